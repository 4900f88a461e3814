import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import LazySettings

from healthtrack.operations.embedded_postgres import binaries, sockets
from healthtrack.operations.embedded_postgres.server import ensure_running
from tests.support.embedded_postgres import PROJECT, Client, home, is_down, keeper_pid, server_pid, wait_for

SETTINGS = """
    SELECT current_setting('server_encoding'), current_setting('listen_addresses'),
        current_setting('TimeZone'), current_setting('fsync'), current_setting('synchronous_commit'),
        current_setting('max_connections'), current_setting('max_locks_per_transaction'), upper('ä'), lower('É')
"""

PREFORK = """
import os, pathlib, sys, time
from healthtrack.operations.embedded_postgres.server import ensure_running
ensure_running(pathlib.Path(sys.argv[1]), 0.5)
if child := os.fork():
    print(child, flush=True)
    os._exit(0)
ensure_running(pathlib.Path(sys.argv[1]), 0.5)
os.close(1)
os.close(2)
time.sleep(60)
"""
DAEMON = """
import os, pathlib, sys
from healthtrack.operations.embedded_postgres.server import ensure_running
ensure_running(pathlib.Path(sys.argv[1]), 0.5)
os.closerange(3, 100)
ensure_running(pathlib.Path(sys.argv[1]), 0.5)
print("connected", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("user", ["current user", "normal user"])
def test_the_first_client_starts_a_server(data: Path, user: str, request: pytest.FixtureRequest) -> None:
    with Client(data, request.getfixturevalue("normal_user") if user == "normal user" else ()) as client:
        assert client.ask(SETTINGS) == [["UTF8", "", "UTC", "on", "on", "100", "512", "Ä", "é"]]
        server = home(data)
        assert client.place == server.root / "run"
        for folder in (server.root, server.cluster, client.place):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert not server.draft.exists()


def test_clients_share_one_server(client: Client, data: Path) -> None:
    client.ask("CREATE TABLE mark AS SELECT 7 AS x")
    with Client(data) as other:
        assert other.ask("SELECT x FROM mark") == [[7]]


def test_a_client_of_a_running_server_starts_none_of_its_programs(
    client: Client, data: Path, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.ask()
    settings.HEALTHTRACK_PG_BIN = None
    monkeypatch.setattr(binaries, "version", lambda folder: pytest.fail(f"{folder} ran to print its version"))
    assert ensure_running(data) == client.place


def test_eight_clients_at_once_start_one_server(data: Path) -> None:
    clients = [Client(data) for _ in range(8)]
    try:
        for client in clients:
            client.send("SELECT pg_postmaster_start_time()")
        assert len({str(client.receive()) for client in clients}) == 1
        assert home(data).server_log.read_text().count("LOG:  starting PostgreSQL") == 1
    finally:
        for client in clients:
            client.leave()


def test_it_runs_until_the_last_client_process_has_ended(client: Client, data: Path) -> None:
    client.ask("CREATE TABLE mark AS SELECT 7 AS x")
    server, keeper = server_pid(data), keeper_pid(data)
    with Client(data) as other:
        other.ask()
        other.leave()
    with pytest.raises(AssertionError, match="in vain"):
        wait_for(lambda: is_down(data), seconds=2.0)
    assert (server_pid(data), keeper_pid(data)) == (server, keeper)

    client.leave()
    wait_for(lambda: is_down(data))
    assert not (home(data).cluster / "postmaster.pid").exists()
    with Client(data) as later:
        assert later.ask("SELECT x FROM mark") == [[7]]


def test_it_stops_after_its_clients_are_killed(client: Client, data: Path) -> None:
    client.ask()
    client.kill()
    wait_for(lambda: is_down(data))


def test_a_client_within_the_grace_period_finds_it_running(data: Path) -> None:
    started = set()
    for _ in range(2):
        with Client(data, grace_seconds=30) as client:
            started.add(str(client.ask("SELECT pg_postmaster_start_time()")))
    assert len(started) == 1


def test_a_program_that_a_client_started_does_not_keep_it_running(client: Client, data: Path) -> None:
    ((program,),) = client.ask("spawn")
    try:
        client.leave()
        wait_for(lambda: is_down(data))
    finally:
        os.kill(program, 9)


def test_a_forked_process_keeps_it_running_after_its_parent_has_ended(data: Path) -> None:
    output = subprocess.run(
        [sys.executable, "-c", PREFORK, str(data)], capture_output=True, text=True, check=True, cwd=PROJECT
    ).stdout
    try:
        with pytest.raises(AssertionError, match="in vain"):
            wait_for(lambda: is_down(data), seconds=1.5)
    finally:
        os.kill(int(output), signal.SIGKILL)
    wait_for(lambda: is_down(data))


def test_a_daemon_that_closed_all_its_files_keeps_it_running_after_its_next_connection(data: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", DAEMON, str(data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=PROJECT
    ) as daemon:
        assert daemon.stdout
        assert daemon.stdout.readline() == b"connected\n"
        with pytest.raises(AssertionError, match="in vain"):
            wait_for(lambda: is_down(data), seconds=1.5)
        daemon.communicate()
    wait_for(lambda: is_down(data))


def test_nothing_runs_before_the_first_statement(client: Client, data: Path) -> None:
    assert not data.exists()


def test_a_server_stops_when_its_data_folder_is_deleted(client: Client, data: Path) -> None:
    client.ask("CREATE TABLE mark (x int)")
    server = server_pid(data)
    root = home(data).root
    root.rename(root.with_name("gone"))
    assert client.ask("SELECT to_regclass('mark')") == [[None]]
    assert server_pid(data) != server
    wait_for(lambda: not (root.with_name("gone") / "data" / "postmaster.pid").exists())


def test_a_server_whose_socket_is_deleted_is_replaced(client: Client, data: Path) -> None:
    client.ask("CREATE TABLE mark AS SELECT 7 AS x")
    server = server_pid(data)
    sockets.socket_file(client.place).unlink()
    with Client(data) as other:
        assert other.ask("SELECT x FROM mark") == [[7]]
    assert server_pid(data) != server
