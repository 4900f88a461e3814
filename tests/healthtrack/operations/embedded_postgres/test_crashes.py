import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from healthtrack.operations.embedded_postgres import binaries, locks
from healthtrack.operations.embedded_postgres.folder import ServerFolder
from tests.support.embedded_postgres import (
    PROJECT,
    Client,
    RefusedError,
    home,
    is_down,
    keeper_pid,
    server_pid,
    wait_for,
)

KEEPER_WHOSE_SERVER_OUTLIVES_IT = """
import sys
from healthtrack.operations.embedded_postgres import keeper, unprivileged
unprivileged.end_with = lambda parent: None
keeper.main(*sys.argv[1:])
"""


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """Start a program that has nothing to do with PostgreSQL."""
    with subprocess.Popen(["sleep", "300"]) as process:
        yield process
        process.kill()


def stopped_server(data: Path) -> ServerFolder:
    with Client(data) as client:
        client.ask("CREATE TABLE mark AS SELECT 7 AS x")
        server = server_pid(data)
        os.kill(server, signal.SIGKILL)
        client.kill()
    wait_for(lambda: is_down(data) and not locks.is_held(home(data).keeper_lock))
    return home(data)


def claim_pid_file(server: ServerFolder, pid: int) -> None:
    file = server.cluster / "postmaster.pid"
    _, *rest = file.read_text().split("\n")
    file.write_text("\n".join([str(pid), *rest]))


def test_a_killed_server_loses_no_data_and_restarts_at_the_next_connection(client: Client, data: Path) -> None:
    client.ask("CREATE TABLE mark AS SELECT x FROM generate_series(1, 5000) AS x")
    killed = server_pid(data)
    os.kill(killed, signal.SIGKILL)
    assert client.ask("SELECT count(*) FROM mark") == [[5000]]
    assert server_pid(data) != killed


def test_a_server_that_is_killed_during_a_statement_restarts(client: Client, data: Path) -> None:
    client.ask("CREATE TABLE mark AS SELECT 7 AS x")
    with Client(data) as busy:
        busy.send("SELECT count(*), pg_sleep(60) FROM generate_series(1, 100) AS x")
        wait_for(lambda: client.ask("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == [[1]])
        os.kill(server_pid(data), signal.SIGKILL)
        assert client.ask("SELECT x FROM mark") == [[7]]
        busy.kill()


def test_a_server_stops_with_its_killed_keeper_and_the_next_client_starts_another(client: Client, data: Path) -> None:
    client.ask("CREATE TABLE mark AS SELECT 7 AS x")
    killed = server_pid(data)
    os.kill(keeper_pid(data), signal.SIGKILL)
    wait_for(lambda: not locks.is_held(home(data).keeper_lock))
    assert client.ask("SELECT x FROM mark") == [[7]]
    assert server_pid(data) != killed


def test_a_server_that_outlived_its_keeper_is_replaced(data: Path) -> None:
    with Client(data) as client:
        client.ask("CREATE TABLE mark AS SELECT 7 AS x")
    wait_for(lambda: is_down(data))
    root = home(data).root
    arguments = [str(root), str(binaries.find(data)), "60"]
    subprocess.run([sys.executable, "-c", KEEPER_WHOSE_SERVER_OUTLIVES_IT, *arguments], cwd=PROJECT, check=True)
    wait_for(lambda: home(data).postmaster() is not None)
    left = server_pid(data)
    os.kill(keeper_pid(data), signal.SIGKILL)
    wait_for(lambda: not locks.is_held(home(data).keeper_lock))
    assert not is_down(data)

    with Client(data) as client:
        assert client.ask("SELECT x FROM mark") == [[7]]
        assert server_pid(data) != left


def test_a_client_that_is_killed_during_the_start_leaves_a_complete_cluster(data: Path) -> None:
    with Client(data) as starter:
        starter.send("SELECT 1")
        wait_for(lambda: data.exists() and home(data).draft.exists())
        starter.kill()
        with Client(data) as client:
            assert client.ask() == [[1]]


def test_a_keeper_that_is_killed_while_it_creates_the_cluster_leaves_no_incomplete_one(data: Path) -> None:
    with Client(data) as starter:
        starter.send("SELECT 1")
        wait_for(lambda: data.exists() and home(data).draft.exists())
        os.kill(keeper_pid(data), signal.SIGKILL)
        assert not home(data).cluster.exists()
        with pytest.raises(RefusedError, match="keeper of PostgreSQL failed"):
            starter.receive()
        assert starter.ask() == [[1]]
        assert not home(data).draft.exists()


def test_a_stale_pid_file_with_the_pid_of_another_program_does_no_harm(
    data: Path, bystander: subprocess.Popen[bytes]
) -> None:
    server = stopped_server(data)
    claim_pid_file(server, bystander.pid)
    with Client(data) as client:
        assert client.ask("SELECT x FROM mark") == [[7]]
        assert server_pid(data) != bystander.pid
        client.leave()
    wait_for(lambda: is_down(data))
    assert bystander.poll() is None


def test_a_stale_keeper_file_with_the_pid_of_another_program_does_no_harm(
    data: Path, bystander: subprocess.Popen[bytes]
) -> None:
    server = stopped_server(data)
    server.keeper_lock.write_text(f"{bystander.pid}\n")
    with Client(data) as client:
        assert client.ask("SELECT x FROM mark") == [[7]]
        client.leave()
    wait_for(lambda: is_down(data))
    assert bystander.poll() is None


def test_a_stale_pid_file_with_the_socket_of_another_postgresql_is_not_used(data: Path, tmp_path: Path) -> None:
    other_data = data.with_name("other")
    server = stopped_server(data)
    with Client(other_data) as other:
        other.ask()
        claimed = (home(other_data).cluster / "postmaster.pid").read_text().replace(str(server_pid(other_data)), "1", 1)
        (server.cluster / "postmaster.pid").write_text(claimed)
        with Client(data) as client:
            assert client.ask("SELECT x FROM mark") == [[7]]
            assert other.ask("SELECT to_regclass('mark')") == [[None]]


def test_a_server_that_somebody_else_started_is_not_touched(data: Path) -> None:
    server = stopped_server(data)
    place = data.with_name("hand-started")
    place.mkdir()
    place.chmod(0o777)
    options = [f"-D{server.cluster}", f"-k{place}", "-clisten_addresses=", f"-chba_file={server.client_rules}"]
    (server.cluster / "postmaster.pid").unlink()
    with subprocess.Popen(
        [binaries.find(data) / "postgres", *options], stderr=subprocess.DEVNULL, user=server.root.stat().st_uid
    ) as hand:
        try:
            wait_for(lambda: (found := server.postmaster()) is not None and found.state == "ready")
            with Client(data) as client, pytest.raises(RefusedError, match="that HealthTrack did not start"):
                client.ask()
            address = f"host={place} port=5432 user=healthtrack dbname=healthtrack"
            with psycopg.connect(address) as connection:
                assert connection.execute("SELECT x FROM mark").fetchone() == (7,)
        finally:
            hand.send_signal(signal.SIGINT)


def test_no_server_starts_while_a_process_of_a_killed_one_still_runs(data: Path) -> None:
    """A process that inherited the lock from the server may still write to the cluster."""
    server = stopped_server(data)
    killed = server_pid(data)
    left = locks.open_private(server.server_lock)
    locks.acquire(left)
    with Client(data) as client:
        client.send("SELECT x FROM mark")
        with pytest.raises(AssertionError, match="in vain"):
            wait_for(lambda: server_pid(data) != killed, seconds=1)
        os.close(left)
        assert client.receive() == [[7]]


def test_a_broken_cluster_is_reported_with_the_last_line_of_its_log(data: Path) -> None:
    server = stopped_server(data)
    shutil.rmtree(server.cluster / "global")
    with Client(data) as client, pytest.raises(RefusedError) as refusal:
        client.ask()
    assert str(refusal.value).startswith(f"PostgreSQL did not start. Its log {server.server_log} ends with: ")
    assert "pg_control" in str(refusal.value)
    assert "\n" not in str(refusal.value)
