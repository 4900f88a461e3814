"""Embedded PostgreSQL through Django, as every command and page uses it."""

import subprocess
from pathlib import Path

import pytest

from tests.support.embedded_postgres import Client, is_down, manage, system_programs, wait_for
from tests.support.embedded_roles import prepare_roles

KILL = """
import os, signal, time
from django.conf import settings
from django.db import connection

def ask(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]

with connection.cursor() as cursor:
    cursor.execute("CREATE TABLE mark AS SELECT 7 AS x")
(file,) = settings.HEALTHTRACK_DATA_DIR.glob("postgres-*/data/postmaster.pid")
server = int(file.read_text().split()[0])
os.kill({whom}, signal.SIGKILL)
connection.close()
{until_noticed}
print(connection.vendor, ask("SELECT x FROM mark"))
"""
A_BACKEND = KILL.format(
    whom="ask('SELECT pg_backend_pid()')",
    until_noticed="""
(log,) = settings.HEALTHTRACK_DATA_DIR.glob("postgres-*/postgres.log")
while "terminating any other active server processes" not in log.read_text():
    time.sleep(0.001)
""",
)
THE_SERVER = KILL.format(
    whom="server",
    until_noticed="""
try:
    while not os.kill(server, 0):
        time.sleep(0.001)
except ProcessLookupError:
    pass
""",
)


def test_migrate_creates_the_tables(data: Path) -> None:
    assert manage(data, "migrate", "--verbosity", "0").stderr == ""
    with Client(data) as client:
        assert client.ask("SELECT to_regclass('auth_user')") == [["auth_user"]]


@pytest.mark.parametrize("script", [A_BACKEND, THE_SERVER], ids=["a backend", "the server"])
def test_a_process_can_connect_again_after_a_kill(data: Path, script: str) -> None:
    result = manage(data, "shell", "-c", script)
    assert result.stdout.splitlines()[-1:] == ["postgresql 7"], result.stderr


def test_dbshell_opens_a_shell_on_the_server(data: Path) -> None:
    result = manage(data, "dbshell", "--", "--no-psqlrc", "-At", "-c", "SELECT current_user, current_database()")
    assert (result.stdout, result.stderr) == ("healthtrack|healthtrack\n", "")


def test_postgresql_variables_of_the_environment_are_ignored(data: Path) -> None:
    variables = {
        "PGHOST": "db.example",
        "PGPORT": "1",
        "PGDATA": "/nowhere",
        "PGDATABASE": "other",
        "PGUSER": "x",
    }
    result = manage(data, "shell", "-c", "from django.db import connection; connection.cursor()", environment=variables)
    assert result.stderr == ""


def test_test_databases_are_created_and_dropped(data: Path) -> None:
    script = """
from django.db import connection
connection.creation.create_test_db(verbosity=0)
with connection.cursor() as cursor:
    cursor.execute("SELECT current_database()")
    print(cursor.fetchone()[0])
connection.creation.destroy_test_db("healthtrack", verbosity=0)
"""
    with Client(data) as client:
        client.ask()
        prepare_roles(str(client.place))
        result = manage(data, "shell", "-v0", "-c", script)
    assert (result.stdout, result.stderr) == ("test_healthtrack\n", "")


@pytest.mark.parametrize("programs", system_programs() or [None], ids=str)
def test_other_postgresql_programs_can_be_named(data: Path, programs: Path | None) -> None:
    if programs is None:
        pytest.skip("this machine has no other PostgreSQL")
    output = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    major = output.split()[2].split(".")[0]
    with Client(data, environment={"HEALTHTRACK_PG_BIN": str(programs)}) as client:
        ((version, encoding, upper),) = client.ask(
            "SELECT current_setting('server_version_num'), current_setting('server_encoding'), upper('ä')"
        )
        assert (version[:2], encoding, upper) == (major, "UTF8", "Ä")
        assert client.place == data / f"postgres-{major}" / "run"
        client.leave()
    wait_for(lambda: is_down(data))
