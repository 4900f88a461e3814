"""Imports of readings that die or meet another one leave what a single one would leave."""

import threading
from contextlib import nullcontext
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import Error, InterfaceError, OperationalError, connection, transaction

from healthtrack.imports.life_cycle import runs, steps
from healthtrack.imports.life_cycle.import_at_once import import_at_once
from healthtrack.imports.life_cycle.steps import no_progress
from healthtrack.imports.models import ImportRun, Stage
from healthtrack.imports.progress import NoProgress
from readings.models import Contribution, ReadingDay, ReadingRun
from tests.support import factories

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("areas_dropped")]

HEADER = "patient_id,metric,start,value,unit,device\n"


def write_file(path: Path, value: int, minutes: range) -> Path:
    rows = [f"P1,heart_rate,2024-03-05T08:{minute:02}:00Z,{value},/min,Watch\n" for minute in minutes]
    path.write_text(HEADER + "".join(rows))
    return path


@pytest.fixture(autouse=True)
def _patient() -> None:
    factories.medical_record("P1")


class Killed(NoProgress):
    """Ends the session of the database, as the death of a worker does, when the writing begins."""

    def begin(self, stage: Stage, total: int = 0, *, in_bytes: bool = False) -> None:
        if stage == Stage.WRITING:
            connection.connection.close()


def test_a_killed_import_writes_nothing_and_can_be_repeated(tmp_path: Path) -> None:
    file = write_file(tmp_path / "a.csv", 70, range(10))
    with pytest.raises((Error, InterfaceError, OperationalError)):
        import_at_once("readings.reading", [file], track=lambda: nullcontext(Killed()))
    connection.close()
    assert not ReadingDay.objects.exists()
    assert not ReadingRun.objects.exists()
    assert import_at_once("readings.reading", [file]).result["new"] == 10


def test_a_killed_undo_removes_nothing_and_can_be_repeated(tmp_path: Path, person: User) -> None:
    run = import_at_once("readings.reading", [write_file(tmp_path / "a.csv", 70, range(10))])
    with transaction.atomic():
        undo = runs.request_undo(run, person)
    assert undo is not None
    with pytest.raises((Error, InterfaceError, OperationalError)):
        steps.apply(undo, [], lambda: nullcontext(Killed()))
    connection.close()
    assert ReadingDay.objects.get().reading_count == 10
    steps.apply(ImportRun.objects.get(pk=undo.pk), [], no_progress)
    assert not ReadingDay.objects.exists()


@pytest.fixture
def person() -> User:
    return factories.staff()


def test_two_imports_at_once_end_as_if_one_had_followed_the_other(tmp_path: Path) -> None:
    files = [write_file(tmp_path / "a.csv", 70, range(30)), write_file(tmp_path / "b.csv", 80, range(20, 50))]
    gate = threading.Barrier(2)

    def work(file: Path) -> None:
        try:
            gate.wait()
            import_at_once("readings.reading", [file])
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[file]) for file in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    day = ReadingDay.objects.get()
    first, second = ReadingRun.objects.order_by("position").values_list("run_id", flat=True)
    name = ImportRun.objects.get(pk=first).all_files[0].name
    both = [70] * 20 + [80 if name == "a.csv" else 70] * 10 + [80] * 20
    assert day.small_values == both
    assert set(Contribution.objects.values_list("run_id", flat=True)) == {first, second}
