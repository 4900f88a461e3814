"""The primary is killed while people work, and a replica is promoted: what was confirmed is there, once and whole."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.fault_injection.checks import check_edits, check_files, check_reads
from tests.fault_injection.people import Editor, Person, Reader, Steward
from tests.support.databases import Database
from tests.support.embedded_postgres import wait_for
from tests.support.replicated_servers import PostgresServer, address_of, primary, stopping
from tests.support.serving import Server, environment_of, started, started_worker

pytestmark = pytest.mark.slow

SECONDS_WITHOUT, SECONDS_AFTER = 2.0, 6.0
MAX_RECOVERY_SECONDS = 120
EDITORS = 3


@dataclass
class Cluster:
    """The primary, its synchronous standby, and a replica that pages are read from."""

    first: PostgresServer
    standby: PostgresServer
    replica: PostgresServer
    began: float = field(default_factory=time.monotonic)
    events: list[str] = field(default_factory=list)

    def note(self, event: str) -> None:
        """Add an event to the timeline."""
        self.events.append(f"{time.monotonic() - self.began:6.2f} s  {event}")

    def count_imports(self) -> int:
        """Return how many imports have been applied on the first server."""
        return int(self.first.database.ask("SELECT count(*) FROM import_runs WHERE state = 'applied'")[0][0])

    def ask(self, statement: str) -> list[list[Any]]:
        """Query the promoted standby."""
        with self.standby.database.session() as session:
            return [list(row) for row in session.execute(statement).fetchall()]


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with primary() as first:
        standby = first.replicate("standby")
        replica = first.replicate("replica")
        with stopping(standby, replica):
            follow_the_primary(replica, [first, standby])
            confirm_by(first, "standby")
            yield Cluster(first, standby, replica)


def follow_the_primary(replica: PostgresServer, servers: list[PostgresServer]) -> None:
    """Let the replica follow whichever of the servers is the primary, as Patroni arranges it."""
    ports = ",".join(str(server.port) for server in servers)
    source = f"host=127.0.0.1,127.0.0.1 port={ports} user=healthtrack target_session_attrs=read-write"
    replica.database.ask(f"ALTER SYSTEM SET primary_conninfo = '{source}'")
    replica.database.ask("SELECT pg_reload_conf()")


def confirm_by(server: PostgresServer, standby: str) -> None:
    """Let a commit wait until the standby has it too."""
    server.database.ask(f"ALTER SYSTEM SET synchronous_standby_names = '{standby}'")
    server.database.ask("SELECT pg_reload_conf()")
    wait_for(lambda: server.database.ask("SELECT sync_state FROM pg_stat_replication WHERE sync_state = 'sync'") != [])


@contextmanager
def program(cluster: Cluster, data: Path) -> Iterator[Server]:
    environment = environment_of(cluster.first.database, data) | {
        "DATABASE_URL": address_of([cluster.first, cluster.standby]),
        "DATABASE_REPLICA_URL": address_of([cluster.replica]),
        "HEALTHTRACK_DEBUG": "0",
    }
    with (data.parent / "log").open("w") as log, started(environment, errors=log) as server:
        started_worker(server)
        yield server


def people_at(server: Server, database: Database) -> list[Person]:
    password, stop = server.value("password"), threading.Event()
    patients = [patient for (patient,) in database.ask("SELECT patient_id FROM medical_records ORDER BY 1")]
    editors = [
        Editor(server.port, password, stop, Random(place), patients=patients[place::EDITORS])  # noqa: S311 (not for secrets)
        for place in range(EDITORS)
    ]
    reader = Reader(server.port, password, stop, Random(EDITORS), patients=patients)  # noqa: S311 (not for secrets)
    return [*editors, reader, Steward(server.port, password, stop, Random(EDITORS + 1))]  # noqa: S311 (not for secrets)


@contextmanager
def working(people: list[Person]) -> Iterator[None]:
    threads = [threading.Thread(target=person.work) for person in people]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        people[0].stop.set()
        for thread in threads:
            thread.join()


def fail_over(cluster: Cluster, server: Server) -> None:
    """Kill the primary, promote the standby after a while, and wait until the program has found it."""
    cluster.first.kill()
    cluster.note("the primary is killed with -9")
    wait_for(lambda: server.get("/healthz").status == 503)
    cluster.note("/healthz answers 503")
    time.sleep(SECONDS_WITHOUT)
    cluster.standby.promote()
    cluster.note("the standby is promoted")
    wait_for(lambda: server.get("/healthz").status == 200)
    cluster.note("/healthz answers 200")


def count_saved(people: list[Person]) -> int:
    return sum(len(numbers) for person in people if isinstance(person, Editor) for numbers in person.committed.values())


def test_a_promotion_loses_and_doubles_nothing(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with program(cluster, tmp_path / "data") as server:
        people = people_at(server, cluster.first.database)
        with working(people):
            cluster.note(f"{len(people)} people begin to work")
            wait_for(lambda: count_saved(people) >= EDITORS and cluster.count_imports() > 0, MAX_RECOVERY_SECONDS)
            before = count_saved(people)
            cluster.note(f"{before} edits and {cluster.count_imports()} imports are confirmed")
            fail_over(cluster, server)
            wait_for(lambda: count_saved(people) > before, MAX_RECOVERY_SECONDS)
            cluster.note("the first edit after the promotion is confirmed")
            time.sleep(SECONDS_AFTER)
        cluster.note(f"{count_saved(people)} edits are confirmed; the people stop")
        await_runs(cluster)
        await_replica(cluster, server)
        cluster.note("the replica follows the new primary")
    with capsys.disabled():
        print("", *cluster.events, sep="\n")  # noqa: T201 (the timeline)
    check_edits(cluster, [person for person in people if isinstance(person, Editor)])
    assert check_files(cluster)
    check_reads(cluster, people)
    assert not [words for person in people for words in person.unexpected]


def await_runs(cluster: Cluster) -> None:
    """Wait until each import has ended, been resumed or failed with its reason."""
    is_open = "SELECT count(*) FROM import_runs WHERE state IN ('checking', 'applying')"
    wait_for(lambda: cluster.ask(is_open) == [[0]], MAX_RECOVERY_SECONDS)
    assert cluster.ask("SELECT count(*) FROM import_runs WHERE state = 'failed' AND reason = ''") == [[0]]
    cluster.note("no import is open")


def await_replica(cluster: Cluster, server: Server) -> None:
    wait_for(lambda: server.get("/healthz?replica").status == 200, MAX_RECOVERY_SECONDS)
    assert cluster.replica.database.count("changes") == cluster.standby.database.count("changes")
