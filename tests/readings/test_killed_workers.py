"""Imports of readings whose worker is killed, with real processes: nothing is left half done, and a retry works."""

import subprocess
import sys
from pathlib import Path
from typing import Any, LiteralString

import pytest
from django.conf import settings as project
from django.test import Client

from healthtrack.imports.life_cycle.import_at_once import import_at_once
from healthtrack.imports.models import ImportRun, State
from readings.models import DISTRIBUTABLE, Device, ReadingDay, ReadingRun
from tests.support import factories
from tests.support.import_pages import last_run
from tests.support.signing_in import AsRole
from tests.support.workers import environment_of_the_tests, hold_lock, wait_for, wait_for_state, worker

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("data_folder", "areas_dropped", "jobs_dropped"),
]

HEADER = "patient_id,metric,start,value,unit,device\n"
# Where an import or an undo waits: when the new days are written already, and at its very end.
PLACES: list[LiteralString] = [
    "LOCK TABLE reading_contributions IN EXCLUSIVE MODE",
    "LOCK TABLE stream_devices IN EXCLUSIVE MODE",
]


def write_file(path: Path, value: int, minutes: range) -> Path:
    rows = [f"P1,heart_rate,2024-03-05T08:{minute:02}:00Z,{value},/min,S1\n" for minute in minutes]
    new_day = f"P1,heart_rate,2024-03-0{value % 10 + 6}T08:00:00Z,{value},/min,S1\n"
    new_stream = f"P1,weight,2024-03-05T08:00:00Z,{value},kg,Scales {value}\n"
    path.write_text("".join([HEADER, *rows, new_day, new_stream]))
    return path


@pytest.fixture
def steward(as_role: AsRole, tmp_path: Path) -> Client:
    """Sign in a person who imports, where readings are stored with which a second file overlaps."""
    factories.medical_record("P1")
    Device.objects.create(serial_number="S1")
    import_at_once("readings.reading", [write_file(tmp_path / "a.csv", 70, range(30))])
    return as_role("Data steward")


@pytest.fixture
def second(tmp_path: Path) -> Path:
    return write_file(tmp_path / "b.csv", 81, range(20, 50))


def get_rows() -> dict[str, list[Any]]:
    """Return all that is stored of readings."""
    return {model.__name__: list(model._default_manager.order_by("pk").values_list()) for model in DISTRIBUTABLE} | {
        "ReadingRun": list(ReadingRun.objects.order_by("pk").values_list("run_id", "position"))
    }


def get_values() -> Any:
    """Return the values of the day on which the files overlap."""
    return ReadingDay.objects.get(day="2024-03-05", reading_count__gt=1).small_values


def upload(steward: Client, path: Path) -> ImportRun:
    with path.open("rb") as file:
        answer = steward.post("/admin/imports/importrun/upload/readings.reading/", {"import_file": file})
    assert answer.status_code == 302
    run = last_run()
    with worker():
        wait_for_state(run, State.CHECKED)
    return run


def press(steward: Client, run: ImportRun, button: str) -> None:
    assert steward.post(f"/admin/imports/importrun/{run.pk}/{button}/").status_code == 302


def kill_worker_at(place: LiteralString) -> None:
    with hold_lock(place) as held, worker() as killed:
        wait_for(held.is_waited_for)
        killed.kill()


@pytest.mark.parametrize("place", PLACES)
def test_an_import_whose_worker_was_killed_changes_nothing_and_is_repeated(
    steward: Client, second: Path, place: LiteralString
) -> None:
    before = get_rows()
    run = upload(steward, second)
    press(steward, run, "apply")
    kill_worker_at(place)
    assert get_rows() == before
    with worker():
        wait_for_state(run, State.APPLIED)
    assert get_values() == [70] * 20 + [81] * 30
    assert (run.result["new"], run.result["changed"]) == (22, 10)


@pytest.mark.parametrize("place", PLACES)
def test_an_undo_whose_worker_was_killed_changes_nothing_and_is_repeated(
    steward: Client, second: Path, place: LiteralString
) -> None:
    before = get_rows()
    run = import_at_once("readings.reading", [second])
    between = get_rows()
    press(steward, run, "undo")
    undo = last_run()
    kill_worker_at(place)
    assert get_rows() == between
    with worker():
        wait_for_state(undo, State.APPLIED)
    assert get_rows() == before


def test_two_commands_at_once_end_as_if_one_had_followed_the_other(steward: Client, tmp_path: Path) -> None:
    files = [write_file(tmp_path / "82.csv", 82, range(20)), write_file(tmp_path / "93.csv", 93, range(10, 40))]
    with hold_lock(PLACES[0]) as held:
        commands = [import_by_command(file) for file in files]
        wait_for(held.is_waited_for)
        held.end()
        assert [command.wait() for command in commands] == [0, 0]
    latest = ImportRun.objects.get(pk=ReadingRun.objects.latest("position").pk)
    both = [82] * 10 + [93] * 30 if latest.all_files[0].name == "93.csv" else [82] * 20 + [93] * 20
    assert get_values() == both


def import_by_command(path: Path) -> subprocess.Popen[bytes]:
    command = (sys.executable, "manage.py", "import_readings", path)
    return subprocess.Popen(command, env=environment_of_the_tests(), cwd=project.BASE_DIR, stdout=subprocess.DEVNULL)
