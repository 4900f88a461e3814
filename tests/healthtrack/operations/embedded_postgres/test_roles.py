"""What the roles of the embedded server may do, and how clusters of earlier versions get these roles."""

import os
import signal
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from healthtrack.operations.embedded_postgres import binaries, cluster, locks, roles, unprivileged
from healthtrack.operations.embedded_postgres.folder import READY, ServerFolder
from tests.support.embedded_postgres import Client, system_programs, wait_for
from tests.support.embedded_postgres_users import as_root
from tests.support.embedded_roles import account_of_the_server

OBJECTS = """
    CREATE SCHEMA staging;
    CREATE TYPE mood AS ENUM ('good');
    CREATE TYPE pair AS (x int, y int);
    CREATE TABLE parent (x int GENERATED ALWAYS AS IDENTITY, mood mood, z bigserial) PARTITION BY LIST (mood);
    CREATE TABLE staging.child PARTITION OF parent FOR VALUES IN ('good');
    CREATE VIEW shown AS SELECT x FROM parent;
    CREATE SEQUENCE alone;
    CREATE FUNCTION f(x mood) RETURNS int LANGUAGE sql AS 'SELECT 1';
    INSERT INTO parent (mood) VALUES ('good');
"""
OWNERS = """
    SELECT DISTINCT owner::regrole::text
      FROM (SELECT oid, relowner FROM pg_class UNION ALL SELECT oid, typowner FROM pg_type
            UNION ALL SELECT oid, proowner FROM pg_proc UNION ALL SELECT oid, nspowner FROM pg_namespace
            UNION ALL SELECT 16384, datdba FROM pg_database WHERE datname = current_database()) AS objects (oid, owner)
     WHERE oid >= 16384
"""
BEYOND_ITS_RIGHTS: tuple[LiteralString, ...] = (
    "SET ROLE postgres",
    "SET SESSION AUTHORIZATION postgres",
    "ALTER ROLE healthtrack SUPERUSER",
    "CREATE ROLE another",
    "CREATE DATABASE another",
    "COPY (SELECT 1) TO PROGRAM 'id'",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT pg_reload_conf()",
    "ALTER SYSTEM SET jit = on",
    "SET session_replication_role = replica",
)


def superuser_session(place: Path) -> psycopg.Connection:
    with account_of_the_server(place):
        return psycopg.connect(host=str(place), user="postgres", dbname="postgres", autocommit=True)


def test_the_role_of_healthtrack_cannot_exceed_its_rights(client: Client) -> None:
    client.ask()
    address = f"host='{client.place}' user=healthtrack dbname=healthtrack"
    with psycopg.connect(address, autocommit=True) as session:
        for statement in BEYOND_ITS_RIGHTS:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                session.execute(statement)


@as_root
def test_root_itself_cannot_connect_as_the_superuser(client: Client) -> None:
    client.ask()
    with pytest.raises(psycopg.OperationalError, match='Peer authentication failed for user "postgres"'):
        psycopg.connect(host=str(client.place), user="postgres", dbname="postgres")


@as_root
def test_not_even_the_superuser_of_a_server_that_root_started_reaches_files_of_root(client: Client, data: Path) -> None:
    data.mkdir(mode=0o711)
    secret = data / "secret_key"
    secret.write_text("secret")
    secret.chmod(0o600)
    client.ask()
    with superuser_session(client.place) as session:
        session.execute("CREATE TABLE output (line text)")
        session.execute("COPY output FROM PROGRAM 'id -u; id -G'")
        account = client.place.stat()
        assert session.execute("TABLE output").fetchall() == [(str(account.st_uid),), (str(account.st_gid),)]
        for place in ("/etc/shadow", "/root/.profile", secret):
            for source in (f"PROGRAM 'cat {place}'", f"'{place}'"):
                with pytest.raises(psycopg.Error, match=r"Permission denied|program \"cat .*\" failed"):
                    session.execute(f"COPY output FROM {source}")
            with pytest.raises(psycopg.Error, match=r"Permission denied|program .* failed"):
                session.execute(f"COPY output TO PROGRAM 'cat > {place}'")
    assert secret.read_text() == "secret"


@pytest.mark.parametrize("programs", [binaries.find(Path()), *system_programs()], ids=lambda folder: folder.parts[-2])
def test_a_cluster_of_an_earlier_version_gets_a_role_that_is_no_superuser(
    data: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_as_an_earlier_version(data, programs, monkeypatch)
    for _ in range(2):
        with Client(data, environment={"HEALTHTRACK_PG_BIN": str(programs)}, grace_seconds=0) as client:
            assert client.ask("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user") == [
                ["healthtrack", False]
            ]
            assert client.ask(OWNERS) == [["healthtrack"]]
            assert client.ask("SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1") == [
                ["healthtrack"],
                ["postgres"],
            ]
            assert client.ask("SELECT f(mood) FROM parent") == [[1]]
            client.ask("ALTER TABLE parent ADD COLUMN IF NOT EXISTS later int")


def create_as_an_earlier_version(data: Path, programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Create a cluster whose superuser is the role of HealthTrack, with objects of each kind, as before 0.2.0."""
    major = binaries.major_version(programs)
    home = ServerFolder(data / f"postgres-{major}")
    home.prepare()
    account = unprivileged.choose(home.root, {})
    unprivileged.give(home.root, account)
    monkeypatch.setattr(cluster, "INITDB_OPTIONS", ("--username=healthtrack", "--auth=trust", "--encoding=UTF8"))
    monkeypatch.setattr(roles, "CREATE", "CREATE DATABASE healthtrack;\n\n")
    lock = locks.open_private(home.server_lock)
    cluster.create(home, cluster.Programs(programs, account, lock), major)
    os.close(lock)
    options = ("-c", "listen_addresses=", "-c", "unix_socket_permissions=0700", "-k", home.root)
    with account.start([programs / "postgres", "-D", home.cluster, *options], cwd=home.root) as server:
        wait_for(lambda: (found := home.postmaster()) is not None and found.state == READY)
        with psycopg.connect(f"host='{home.root}' user=healthtrack dbname=healthtrack") as session:
            session.execute(OBJECTS)
        server.send_signal(signal.SIGINT)
