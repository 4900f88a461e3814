"""People work with HealthTrack for some minutes while its processes are killed; then all their work is checked.

`make fault-injection` runs this, not `make test`: it takes too long. HEALTHTRACK_FAULT_SECONDS sets for how long.
"""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

import pytest

from tests.fault_injection.account_holders import (
    HOLDERS,
    PASSWORDS,
    AccountHolder,
    Administrator,
    check_sign_in_events,
    create_accounts,
)
from tests.fault_injection.checks import check_edits, check_files, check_reads
from tests.fault_injection.people import Editor, Person, Reader, Steward
from tests.support.embedded_postgres import Client, server_data_folder, server_pid, wait_for
from tests.support.serving import Server, find_worker, free_port, started, started_worker

SECONDS = int(os.environ.get("HEALTHTRACK_FAULT_SECONDS", "180"))
MAX_RECOVERY_SECONDS = 180
PAUSE_BETWEEN_KILLS = (4.0, 9.0)
PATIENTS_PER_EDITOR = 5
EDITORS = 3


class Site:
    """The program as `make run` starts it."""

    def __init__(self, environment: dict[str, str], data: Path) -> None:
        self.environment = environment
        self.data = data
        self.kills: Counter[str] = Counter()

    @contextmanager
    def running(self) -> Iterator[Server]:
        with started(self.environment) as server:
            yield server

    def kill_something(self, server: Server, chance: Random) -> bool:
        """Kill one of the processes. Return whether it was the web server, which must then be started again."""
        what = chance.choice(("the database", "the worker", "the web server"))
        self.kills[what] += 1
        if what == "the database":
            with suppress(AssertionError, ProcessLookupError):  # it may be down already
                os.kill(server_pid(self.data), chance.choice((signal.SIGQUIT, signal.SIGKILL, signal.SIGINT)))
        elif what == "the worker":
            if worker := find_worker(server):
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
        else:
            server.process.kill()
            server.process.wait()
        return what == "the web server"


@pytest.fixture
def data() -> Iterator[Path]:
    """Return a data folder for the embedded PostgreSQL of the campaign."""
    with server_data_folder() as folder:
        yield folder


@pytest.fixture
def site(data: Path) -> Site:
    inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    own = {"HEALTHTRACK_DATA_DIR": str(data), "HEALTHTRACK_DEBUG": "0", "PORT": str(free_port())}
    return Site({**inherited, **own}, data)


def test_no_work_is_lost_half_done_or_unlogged(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    with site.running() as server:
        password = server.value("password")
    with Client(site.data) as database:
        patients = [patient for (patient,) in database.ask("SELECT patient_id FROM medical_records ORDER BY 1")]
        people = create_people(int(site.environment["PORT"]), password, patients, create_accounts(database))
        work_and_kill(site, people)
        with capsys.disabled():
            print_summary(site, people)
        check_edits(database, [person for person in people if isinstance(person, Editor)])
        assert any(undone for *_, undone, _ in check_files(database)), "no file was imported and undone at all"
        check_reads(database, people)
        check_sign_in_events(database, people)


def create_people(port: int, password: str, patients: list[str], accounts: dict[str, int]) -> list[Person]:
    stop = threading.Event()
    editors = [
        Editor(port, password, stop, Random(number), patients=patients[number::EDITORS][:PATIENTS_PER_EDITOR])  # noqa: S311 (not for secrets)
        for number in range(EDITORS)
    ]
    reader = Reader(port, password, stop, Random(EDITORS), patients=patients)  # noqa: S311 (not for secrets)
    holders = [
        AccountHolder(port, PASSWORDS[0], stop, Random(name), username=name)  # noqa: S311 (not for secrets)
        for name in HOLDERS
    ]
    steward = Steward(port, password, stop, Random(EDITORS + 1))  # noqa: S311 (not for secrets)
    administrator = Administrator(port, password, stop, Random(EDITORS + 2), accounts=accounts)  # noqa: S311 (not for secrets)
    return [*editors, steward, reader, *holders, administrator]


def work_and_kill(site: Site, people: list[Person]) -> None:
    chance = Random(2024)  # noqa: S311 (not for secrets)
    threads = [threading.Thread(target=person.work) for person in people]
    for thread in threads:
        thread.start()
    until = time.monotonic() + SECONDS
    try:
        while time.monotonic() < until:
            with site.running() as server:
                while time.monotonic() < until:
                    time.sleep(chance.uniform(*PAUSE_BETWEEN_KILLS))
                    if site.kill_something(server, chance):
                        break
    finally:
        people[0].stop.set()
        for thread in threads:
            thread.join()
    with site.running() as server, Client(site.data) as database:
        started_worker(server)
        open_runs = "SELECT count(*) FROM import_runs WHERE state IN ('checking', 'applying')"
        wait_for(lambda: database.ask(open_runs) == [[0]], seconds=MAX_RECOVERY_SECONDS)


def print_summary(site: Site, people: list[Person]) -> None:
    answers, unanswered = sum(person.answers for person in people), sum(person.unanswered for person in people)
    edits = sum(
        len(numbers) for person in people if isinstance(person, Editor) for numbers in person.committed.values()
    )
    broken = ", ".join(f"{what} {times} times" for what, times in sorted(site.kills.items()))
    print(f"\n{SECONDS} s: {answers} answers, {unanswered} without one, {edits} edits saved; killed: {broken}")  # noqa: T201 (the report of the campaign)
    events = sum((person.answered for person in people), Counter[tuple[str, str]]())
    for kind in sorted({kind for _, kind in events}):
        print(f"  {kind}: {sum(times for (_, each), times in events.items() if each == kind)} answered")  # noqa: T201 (the report of the campaign)
    for words, times in Counter(words for person in people for words in person.unexpected).items():
        print(f"  {words} ({times} times)")  # noqa: T201 (the report of the campaign)
