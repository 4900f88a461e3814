"""Who may connect as which role: the superuser is only for the account that runs the server."""

import os
from pathlib import Path

from healthtrack.operations.embedded_postgres import locks
from healthtrack.operations.embedded_postgres.folder import ServerFolder
from healthtrack.operations.embedded_postgres.roles import SUPERUSER

# Only the account that runs the server, and root, can enter the folder of the socket, so other roles need no password.
_CLIENT_RULES = f"""\
# HealthTrack writes this file at each start of the server.
local all {SUPERUSER} peer map=server
local all all trust
"""


def write(home: ServerFolder, account: str) -> None:
    """Write the rules by which the server admits clients."""
    _write(home.user_names, f'server "{account}" {SUPERUSER}\n')
    _write(home.client_rules, _CLIENT_RULES)


def options(home: ServerFolder) -> dict[str, str]:
    """Return the settings of the server that name the files."""
    return {"hba_file": str(home.client_rules), "ident_file": str(home.user_names)}


def _write(file: Path, text: str) -> None:
    with os.fdopen(locks.open_private(file, os.O_TRUNC), "w") as opened:
        opened.write(text)
