"""A primary and two replicas, as real servers: which data they show, how old it is, and what happens when they fail."""

import time
from collections.abc import Iterator

import pytest
from django.db import connections

from healthtrack.core.replicas import lag
from healthtrack.core.replicas.lag import Monitor
from tests.support.databases import Database
from tests.support.embedded_postgres import wait_for
from tests.support.replicated_servers import PostgresServer, primary, stopping

pytestmark = pytest.mark.slow

LOG_POSITION = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[PostgresServer, PostgresServer]]:
    with primary() as first:
        second = first.replicate("replica1")
        with stopping(second):
            first.database.ask("CREATE TABLE notes (note text)")
            yield first, second


@pytest.fixture
def monitor(servers: tuple[PostgresServer, PostgresServer], monkeypatch: pytest.MonkeyPatch) -> Iterator[Monitor]:
    def parameters(alias: str) -> dict[str, object]:
        server = servers[0] if alias == "default" else servers[1]
        return {**server.database.params, "connect_timeout": 2}

    monkeypatch.setattr(lag, "_get_parameters", parameters)
    monitor = Monitor(["replica1"])
    yield monitor
    for session in monitor._sessions.values():
        session.close()


def write(database: Database) -> int:
    """Write a row, and return the position of the log after it."""
    database.ask("INSERT INTO notes VALUES ('new')")
    return int(database.ask(LOG_POSITION)[0][0])


def age(monitor: Monitor) -> float | None:
    monitor.measure()
    return monitor.lags["replica1"].age


def test_a_replica_that_follows_is_as_new_as_the_primary(
    servers: tuple[PostgresServer, PostgresServer], monitor: Monitor
) -> None:
    position = write(servers[0].database)
    wait_for(lambda: age(monitor) == 0.0 and monitor.lags["replica1"].position >= position)


def test_an_idle_primary_does_not_make_its_replica_look_old(monitor: Monitor) -> None:
    wait_for(lambda: age(monitor) == 0.0)
    time.sleep(1.5)
    assert age(monitor) == 0.0


def test_the_age_of_a_replica_that_has_stopped_following_grows_until_it_goes_on(
    servers: tuple[PostgresServer, PostgresServer], monitor: Monitor
) -> None:
    first, second = (server.database for server in servers)
    wait_for(lambda: age(monitor) == 0.0)
    second.ask("SELECT pg_wal_replay_pause()")
    position = write(first)
    began = time.monotonic()
    wait_for(lambda: (age(monitor) or 0.0) > 1.0)
    assert (age(monitor) or 0.0) <= time.monotonic() - began + 1.0
    assert monitor.lags["replica1"].position < position
    second.ask("SELECT pg_wal_replay_resume()")
    wait_for(lambda: age(monitor) == 0.0 and monitor.lags["replica1"].position >= position)


def test_a_replica_that_is_down_has_no_age_until_it_is_back(
    servers: tuple[PostgresServer, PostgresServer], monitor: Monitor
) -> None:
    _, second = servers
    wait_for(lambda: age(monitor) == 0.0)
    second.kill()
    assert age(monitor) is None
    second.start()
    wait_for(lambda: age(monitor) == 0.0)


def test_the_primary_is_no_replica(
    servers: tuple[PostgresServer, PostgresServer], monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lag, "_get_parameters", lambda alias: servers[0].database.params)
    assert age(monitor) is None


def test_the_parameters_of_the_monitor_are_those_of_django() -> None:
    assert lag._get_parameters("default")["dbname"] == connections["default"].settings_dict["NAME"]
