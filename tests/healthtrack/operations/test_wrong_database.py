"""A wrong or missing database gives commands one sentence instead of a traceback."""

import pytest
from django.db import ProgrammingError, connection

from healthtrack.operations.preparation import explain
from tests.support.commands import run_manage
from tests.support.databases import Database
from tests.support.serving import free_port


def run(environment: dict[str, str], *command: str) -> tuple[int, str]:
    ended = run_manage(environment, *command)
    return ended.returncode, ended.stderr


COMMANDS = [
    ("migrate",),
    ("createsuperuser", "--noinput", "--username=ada", "--email=ada@example.org"),
    ("keep_access_log",),
    ("database_roles",),
    ("reset_second_factor", "ada"),
    ("rotate_keys",),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_missing_database_is_named(environment: dict[str, str], database: Database, command: tuple[str, ...]) -> None:
    absent = database.url.replace(database.params["dbname"], "absent")
    status, errors = run({**environment, "DATABASE_URL": absent}, *command)
    assert status == 1
    (line,) = errors.splitlines()
    assert line.startswith("HealthTrack: The database cannot be used: ")
    assert 'database "absent" does not exist' in line


def test_a_server_that_does_not_answer_is_named(environment: dict[str, str]) -> None:
    port = free_port()
    url = f"postgresql://ada:s3cret@127.0.0.1:{port}/healthtrack"
    status, errors = run({**environment, "DATABASE_URL": url}, "keep_access_log")
    assert status == 1
    (line,) = errors.splitlines()
    assert f"port {port} failed: Connection refused" in line
    assert "s3cret" not in line


@pytest.mark.parametrize("command", [("keep_access_log",), ("reset_second_factor", "ada")], ids=" ".join)
def test_a_database_without_tables_is_named(
    environment: dict[str, str], database: Database, command: tuple[str, ...]
) -> None:
    status, errors = run(environment, *command)
    assert status == 1
    (line,) = errors.splitlines()
    assert f"The database {database.params['dbname']} lacks tables, columns or functions of HealthTrack." in line
    assert "`manage.py migrate`" in line


@pytest.mark.django_db
def test_a_database_of_an_earlier_version_lacks_columns() -> None:
    with pytest.raises(ProgrammingError) as missing, connection.cursor() as cursor:
        cursor.execute("SELECT absent FROM import_runs")
    assert "lacks tables, columns or functions of HealthTrack. If DATABASE_URL" in explain(missing.value)


def test_the_traceback_is_shown_on_request(environment: dict[str, str], database: Database) -> None:
    absent = database.url.replace(database.params["dbname"], "absent")
    _, errors = run({**environment, "DATABASE_URL": absent}, "keep_access_log", "--traceback")
    assert "Traceback" in errors
