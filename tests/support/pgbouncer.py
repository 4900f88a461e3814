"""Run pgbouncer, a connection pool, before the database of the tests."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from healthtrack.operations.embedded_postgres.unprivileged import Account
from tests.support.databases import Database
from tests.support.embedded_postgres import wait_for
from tests.support.serving import free_port

PROGRAM = shutil.which("pgbouncer", path="/usr/bin:/usr/sbin:/usr/local/bin:/usr/local/sbin")
_SETTINGS = """\
[databases]
{name} = host='{host}' port={port} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {sessions}
"""


@contextmanager
def pooled(database: Database, *, sessions: int) -> Iterator[Database]:
    """Run a pool in transaction mode with this number of sessions, and return the database as seen through it."""
    place, own_port = Path(database.params["host"]), free_port()
    with TemporaryDirectory() as folder:
        home = Path(folder)
        home.chmod(0o755)  # another account runs the pool: that of the database, because it refuses to run as root
        (home / "pgbouncer.ini").write_text(
            _SETTINGS.format(
                name=database.params["dbname"],
                host=place,
                port=database.params["port"],
                user=database.params["user"],
                own_port=own_port,
                sessions=sessions,
            )
        )
        owner = place.stat()
        process = Account(owner.st_uid, owner.st_gid).start([str(PROGRAM), home / "pgbouncer.ini"], cwd=home)
        try:
            through = Database({**database.params, "host": "127.0.0.1", "port": str(own_port)})
            wait_for(lambda: _answers(through))
            yield through
        finally:
            process.terminate()
            process.wait()


def _answers(database: Database) -> bool:
    try:
        return database.ask("SELECT 1") == [(1,)]
    except psycopg.OperationalError:
        return False
