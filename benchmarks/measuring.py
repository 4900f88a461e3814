import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from django.core.management import call_command
from django.db import connection

from healthtrack.imports.life_cycle.import_at_once import import_at_once
from healthtrack.imports.models import ImportRun


@contextmanager
def sample_files(patients: int) -> Iterator[tuple[Path, Path]]:
    """Return the files of a catalogue and of records of so many invented patients."""
    with TemporaryDirectory() as folder:
        call_command("make_sample_data", folder, patients=patients, verbosity=0, stdout=_Nowhere())
        yield Path(folder, "fitness_trackers.csv"), Path(folder, "medical_records.csv")


def import_catalogue(file: Path) -> ImportRun:
    return _import("trackers.fitnesstracker", file)


def import_records(file: Path) -> ImportRun:
    return _import("patients.medicalrecord", file)


def _import(importer: str, file: Path) -> ImportRun:
    run = import_at_once(importer, [file])
    assert run.is_applied, run.reason
    return run


class _Nowhere:
    def write(self, _: str) -> None: ...


def medians(
    ways: Mapping[str, Callable[[], object]], *, rounds: int, before_each: Callable[[], None] = lambda: None
) -> dict[str, float]:
    """Return the median seconds of each; they take turns, so that a change of the machine's speed affects all."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            before_each()
            started = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - started)
    return {name: median(of_way) for name, of_way in seconds.items()}


def empty_records() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE medical_records CASCADE")  # with what belongs to patients
        cursor.execute("CHECKPOINT")
