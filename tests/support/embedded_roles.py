"""The embedded server of the tests and its roles: that of HealthTrack, and a superuser for tests of roles."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path

import psycopg
from django.db import connection

from healthtrack.operations.embedded_postgres import EMBEDDED_ENGINE, binaries
from healthtrack.operations.embedded_postgres.roles import SUPERUSER as SERVERS_SUPERUSER
from healthtrack.operations.embedded_postgres.roles import USER
from tests.support.quick_folders import quick_folder

SUPERUSER = "superuser_of_the_tests"
ROLES_LOCK = 0x48540002

# The tests delete rows with triggers switched off, which their role may do because of the last right.
PREPARE = (
    f"SELECT pg_advisory_xact_lock({ROLES_LOCK})",
    f"""DO $$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{SUPERUSER}') THEN
            CREATE ROLE {SUPERUSER} SUPERUSER LOGIN;
        END IF;
    END $$""",
    f"ALTER ROLE {USER} CREATEDB",
    f"GRANT SET ON PARAMETER session_replication_role TO {USER}",
    # No test crashes this server, so none needs to wait until a commit is on the disk.
    *(f"ALTER ROLE {role} SET synchronous_commit TO off" for role in (USER, SUPERUSER)),
)


def uses_embedded_server() -> bool:
    """Return whether the tests use the embedded server, and not one of DATABASE_URL."""
    return bool(connection.settings_dict["ENGINE"] == EMBEDDED_ENGINE)


def data_folder_of_the_tests(data_folder: Path) -> Path:
    """Return the folder of a server of their own, one for each major version of the programs, in memory if possible."""
    folder = quick_folder()
    if folder:
        folder /= f"healthtrack-tests-{os.getuid()}-{sha256(bytes(data_folder)).hexdigest()[:8]}"
    else:
        folder = data_folder / "tests"
    return folder / str(binaries.major_version(binaries.find(folder)))


@cache
def prepare_roles(place: str) -> None:
    """Give the role of HealthTrack what only tests need, and create the superuser of the tests."""
    with account_of_the_server(Path(place)):
        session = psycopg.connect(host=place, user=SERVERS_SUPERUSER, dbname="postgres")
    with session:
        for statement in PREPARE:
            session.execute(statement)


@contextmanager
def account_of_the_server(place: Path) -> Iterator[None]:
    """Act as the account that runs the server with this socket folder, which alone may connect as its superuser."""
    own = os.geteuid()
    os.seteuid(place.stat().st_uid)
    try:
        yield
    finally:
        os.seteuid(own)
