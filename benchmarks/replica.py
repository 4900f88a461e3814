"""Measure thirty people who read lists and reports while a file is imported, with a replica and without.

The primary and the import have one processor core, the web server and the replica the other, as on two machines. The
replica replays at the lowest priority, as docs/operations.md advises for a host that serves pages too. The people are
played by this process, on whichever core is free. In each situation there are as many people, who read each page for as
long (see benchmarks/load.py): about ten pages a second. On a core that is busy all the time they wait for each other,
however quick a page is, so the result says how busy the cores were.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory

from django.conf import settings
from django.test import RequestFactory
from django.urls import resolve

from benchmarks.load import PEOPLE, await_server, browse
from benchmarks.measuring import sample_files
from benchmarks.records import LIST
from healthtrack.core.replicas import routing
from tests.support.replicated_servers import NAME, USER, PostgresServer, family_of, primary, stopping
from tests.support.serving import free_port

FIRST_CORE, SECOND_CORE = 0, 1
_CORES = [f"cpu{core}" for core in (FIRST_CORE, SECOND_CORE)]
LOWEST_PRIORITY = 19
STORED_PATIENTS = 100_000
WARM_UP_SECONDS = 5
MAX_CATCH_UP_SECONDS = 600
REPORTS = ("age-groups", "brands", "conditions", "data-quality")
LISTS = ("gender=F", "condition=asthma", "medication=yes", "linked=none", "o=2", "o=-3", "min_age=30&max_age=30", "")
ROUTED_REQUESTS = 20_000
_POSITION = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"
_REPLAYED = "SELECT pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint"


@dataclass(frozen=True)
class Result:
    """What people saw in one situation."""

    median: float
    pages: int
    errors: int
    busy: tuple[float, float]
    """The share of the time in which each core was busy, also with other work of the machine."""

    def __str__(self) -> str:
        first, second = self.busy
        return (
            f"median {self.median * 1000:.0f} ms, {self.pages} pages, {self.errors} errors; the core of the primary"
            f" was busy {first:.0%} of the time, that of the web server {second:.0%}"
        )


@dataclass(frozen=True)
class Place:
    """The two servers, and the folder with the data folder of the program and the files to import."""

    first: PostgresServer
    second: PostgresServer
    folder: Path

    def environment(self, *, with_replica: bool) -> dict[str, str]:
        servers = {"DATABASE_URL": self.first}
        if with_replica:
            servers["DATABASE_REPLICA_URL"] = self.second
        addresses = {name: f"postgresql://{USER}@{server.address}/{NAME}" for name, server in servers.items()}
        return {
            **os.environ,
            **addresses,
            "HEALTHTRACK_DATA_DIR": str(self.folder / "data"),
            "HEALTHTRACK_SECRET_KEY": "a key for the benchmarks",
            "HEALTHTRACK_SECOND_FACTOR": "0",
            "WEB_CONCURRENCY": "1",
        }

    def run(self, *arguments: str) -> str:
        """Run Python on the core of the primary, and return what it prints."""
        done = subprocess.run(
            _on_core(FIRST_CORE, *arguments),
            env=self.environment(with_replica=False),
            cwd=settings.BASE_DIR,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout


def measure_replica(records: int, seconds: int) -> None:
    stored = min(records, STORED_PATIENTS)
    with TemporaryDirectory() as folder, primary() as first:
        _pin(first, FIRST_CORE)
        place = Place(first, PostgresServer(Path(), first.account), Path(folder))
        place.run("manage.py", "migrate", "--verbosity", "0")
        second = first.replicate("replica")
        _pin(second, SECOND_CORE)
        _replay_at_lowest_priority(second)
        with stopping(second), sample_files(stored) as base, sample_files(records) as large:
            place = Place(first, second, Path(folder))
            place.run("manage.py", "import_fitness_trackers", str(base[0]))
            caught_up = _store(place, base[1])
            routing_seconds = float(_run_script(place, "time_routing()"))
            results = _compare(place, base[1], large[1], seconds)
    _report(results, caught_up, routing_seconds, records, stored)


def _compare(place: Place, base: Path, large: Path, seconds: int) -> dict[str, Result]:
    files = list(_write_copies(large, place.folder))
    sessions = _run_script(place, "' '.join(make_sessions())").split()
    results = {}
    for name, with_replica, imported in (
        ("idle", True, []),
        ("import", True, files),
        ("import without a replica", False, files),
    ):
        _store(place, base)
        if not with_replica:
            place.second.stop()  # a server that replays the import would take part of the web server's core
        with _served(place, with_replica=with_replica) as port, _importing(place, imported):
            browse(port, sessions, _choose_page, WARM_UP_SECONDS)
            began, before = time.monotonic(), _read_busy_seconds()
            answers = browse(port, sessions, _choose_page, seconds)
            passed = time.monotonic() - began
            busy = [(after - other) / passed for after, other in zip(_read_busy_seconds(), before, strict=True)]
        taken = [each for status, each in answers if status == 200]
        results[name] = Result(median(taken), len(answers), len(answers) - len(taken), (busy[0], busy[1]))
        print(f"  {name}: {results[name]}", flush=True)
    return results


def _report(results: dict[str, Result], caught_up: float, routed: float, records: int, stored: int) -> None:
    idle, busy, alone = (results[name].median for name in ("idle", "import", "import without a replica"))
    print(f"{PEOPLE} people read lists and reports of {stored:,} patients while {records:,} records are imported:")
    print(
        f"  {busy / idle:.2f} x an idle system (at most 1.5), {busy / alone:.2f} x the same without a replica (below 1)"
    )
    print(f"  the replica caught up {caught_up:.2f} s after an import of {stored:,} records (within 1 s)")
    print(f"  routing took {routed * 1000:.4f} ms for each request (less than 0.1 ms)")


def _store(place: Place, base: Path) -> float:
    """Replace all records by those of the file, and return the seconds until the replica has them."""
    place.first.database.ask("TRUNCATE medical_records CASCADE")
    place.run("manage.py", "import_medical_records", str(base), "--json")
    ended = time.monotonic()
    position = place.first.database.ask(_POSITION)[0][0]
    while place.second.database.ask(_REPLAYED)[0][0] < position:
        if time.monotonic() - ended > MAX_CATCH_UP_SECONDS:
            sys.exit("The replica does not follow.")
        time.sleep(0.01)
    caught_up = time.monotonic() - ended
    with place.first.database.session(autocommit=True) as session:
        session.execute("VACUUM (ANALYZE)")
    return caught_up


def _write_copies(file: Path, folder: Path) -> Iterator[Path]:
    """Yield files with the same rows for other patients, so that each import inserts all of its rows."""
    header, *rows = file.read_text(encoding="utf-8").splitlines(keepends=True)
    for letter in "ABC":
        copy = folder / f"{letter}.csv"
        copy.write_text(header + "".join(letter + row for row in rows), encoding="utf-8")
        yield copy


@contextmanager
def _served(place: Place, *, with_replica: bool) -> Iterator[int]:
    port = free_port()
    command = _on_core(SECOND_CORE, "-m", "gunicorn", "--config", "python:healthtrack.operations.gunicorn")
    environment = {**place.environment(with_replica=with_replica), "PORT": str(port)}
    with subprocess.Popen(command, env=environment, cwd=settings.BASE_DIR) as server:
        try:
            await_server(server, port)
            yield port
        finally:
            server.terminate()


@contextmanager
def _importing(place: Place, files: Sequence[Path]) -> Iterator[None]:
    """Import the files one after the other, and stop at the end of the block."""
    if not files:
        yield
        return
    script = "from django.core.management import call_command\n" + "\n".join(
        f"call_command('import_medical_records', {str(file)!r}, '--json')" for file in files
    )
    command = _on_core(FIRST_CORE, "-c", f"import django; django.setup()\n{script}")
    environment = place.environment(with_replica=False) | {"DJANGO_SETTINGS_MODULE": "healthtrack.settings"}
    with subprocess.Popen(command, env=environment, cwd=settings.BASE_DIR, stdout=subprocess.DEVNULL) as process:
        try:
            yield
            if process.poll() is not None:
                print("  (the imports ended before the people did: import more records)")
        finally:
            process.terminate()


def _choose_page(chance: Random) -> str:
    """Return the address of a list, or of a report with filters for which no result is cached."""
    if chance.random() < 0.5:
        return f"{LIST}?{chance.choice(LISTS)}"
    youngest = chance.randint(0, 60)
    return f"/reports/{chance.choice(REPORTS)}/?min_age={youngest}&max_age={youngest + chance.randint(1, 40)}"


def _run_script(place: Place, expression: str) -> str:
    imports = "from benchmarks.load import make_sessions; from benchmarks.replica import time_routing"
    script = f"import django; django.setup(); {imports}; print({expression})"
    environment = place.environment(with_replica=True) | {"DJANGO_SETTINGS_MODULE": "healthtrack.settings"}
    command = [sys.executable, "-c", script]
    return subprocess.run(
        command, env=environment, cwd=settings.BASE_DIR, check=True, capture_output=True, text=True
    ).stdout


def time_routing() -> float:
    """Return the seconds that it takes to choose where a request reads."""
    request = RequestFactory().get(LIST)
    request.resolver_match = resolve(LIST)
    request.session = {}  # type: ignore[assignment]  # routing only gets values
    assert routing.choose(request) in settings.REPLICAS
    started = time.perf_counter()
    for _ in range(ROUTED_REQUESTS):
        assert routing.may_read_replica(request)
        with routing.read_from(routing.choose(request)):
            pass
    return (time.perf_counter() - started) / ROUTED_REQUESTS


def _read_busy_seconds() -> list[float]:
    """Return for how many seconds both cores have worked since the machine started."""
    lines = [line.split() for line in Path("/proc/stat").read_text(encoding="ascii").splitlines()]
    times = {name: list(map(int, values)) for name, *values in lines if name in _CORES}
    # The fourth and fifth are idle; the last two are in the first two already.
    return [sum((*times[name][:3], *times[name][5:8])) / os.sysconf("SC_CLK_TCK") for name in _CORES]


def _on_core(core: int, *arguments: str) -> list[str]:
    return ["taskset", "--cpu-list", str(core), sys.executable, *arguments]


def _replay_at_lowest_priority(server: PostgresServer) -> None:
    """Let the process that replays work when no page needs its core."""
    assert server.process
    (startup,) = (pid for pid in family_of(server.process.pid) if b": startup" in _command_of(pid))
    os.setpriority(os.PRIO_PROCESS, startup, LOWEST_PRIORITY)
    # Each process of PostgreSQL is a session of its own. Linux may share the time between sessions first.
    group = Path(f"/proc/{startup}/autogroup")
    if group.exists():
        group.write_text(f"{LOWEST_PRIORITY}", encoding="ascii")


def _command_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def _pin(server: PostgresServer, core: int) -> None:
    """Let a server, and the processes that it will start, run on this core only."""
    assert server.process
    for pid in family_of(server.process.pid):
        with suppress(ProcessLookupError):  # a connection that has just ended
            os.sched_setaffinity(pid, {core})
