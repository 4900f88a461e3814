"""After a restart of the database, requests succeed."""

import os
import signal
from pathlib import Path

import pytest

from tests.support.databases import Database
from tests.support.embedded_postgres import home, is_down, server_pid, wait_for
from tests.support.gunicorn_server import started
from tests.support.serving import Server


def get_status(server: Server) -> int:
    return server.get("/healthz").status


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL], ids=lambda number: number.name)
def test_pages_are_served_after_a_restart_of_the_database(
    environment: dict[str, str], data: Path, number: signal.Signals
) -> None:
    own = {name: value for name, value in environment.items() if name != "DATABASE_URL"}
    with started({**own, "HEALTHTRACK_DATA_DIR": str(data), "HEALTHTRACK_DEBUG": "0"}) as server:
        assert get_status(server) == 200
        pid = server_pid(data)
        os.kill(pid, number)
        wait_for(lambda: is_down(data) or home(data).postmaster() is None or server_pid(data) != pid)
        assert get_status(server) == 200
        assert server_pid(data) != pid


def test_a_dropped_connection_is_replaced(environment: dict[str, str], database: Database) -> None:
    dropped = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE application_name = 'healthtrack' AND datname = %s"
    )
    with started({**environment, "HEALTHTRACK_DEBUG": "0", "WEB_CONCURRENCY": "1"}) as server:
        for _ in range(5):
            assert get_status(server) == 200
            assert database.ask(dropped, [database.params["dbname"]])[0][0] > 0
