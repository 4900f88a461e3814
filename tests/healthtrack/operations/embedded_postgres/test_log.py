"""Patients' data must not get into the log of PostgreSQL."""

import os
import signal
from pathlib import Path

import psycopg
import pytest

from tests.support.embedded_postgres import Client, home, wait_for

SECRET = "Erika Mustermann"
FAILING_STATEMENTS = [
    f"SELECT '{SECRET}'::date",
    f"SELECT '{SECRET}'::int",
    f"INSERT INTO mark VALUES ('{SECRET}'), ('{SECRET}')",
    f"INSERT INTO mark VALUES (repeat('{SECRET}', 9))",
    f"SELECT * FROM no_table WHERE name = '{SECRET}'",
    f"DO $$ BEGIN RAISE WARNING 'about {SECRET}'; END $$",
]


def test_no_failing_statement_and_no_value_is_logged(client: Client, data: Path) -> None:
    client.ask("CREATE TABLE mark (name varchar(40) PRIMARY KEY)")
    address = f"host={client.place} port=5432 user=healthtrack dbname=healthtrack"
    for statement in FAILING_STATEMENTS[:-1]:
        with psycopg.connect(address, autocommit=True) as connection, pytest.raises(psycopg.Error):
            connection.execute(statement)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(FAILING_STATEMENTS[-1])
        with pytest.raises(psycopg.Error):
            connection.execute("INSERT INTO mark SELECT repeat(%s, 9)", [SECRET])
    log = home(data).server_log.read_text()
    assert "ready to accept connections" in log
    assert SECRET not in log


def test_the_statement_of_a_killed_connection_is_not_logged(client: Client, data: Path) -> None:
    client.ask("CREATE TABLE mark (x int)")
    with Client(data) as other:
        other.send(f"SELECT pg_sleep(60), '{SECRET}'")
        wait_for(lambda: bool(client.ask("SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'")))
        ((pid,),) = client.ask("SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
        os.kill(pid, signal.SIGKILL)
        other.kill()
    assert client.ask("SELECT 1") == [[1]]
    assert "was terminated by signal 9" in home(data).server_log.read_text()
    assert SECRET not in home(data).server_log.read_text()


def test_a_large_log_is_rotated(data: Path) -> None:
    log = data / "postgres-18" / "postgres.log"
    log.parent.mkdir(parents=True)
    log.write_text("x" * 10_000_001)
    with Client(data) as client:
        client.ask()
    assert log.stat().st_size < 10_000
    assert log.with_name("postgres.log.old").stat().st_size == 10_000_001
