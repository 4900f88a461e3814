"""The same files again change nothing, and are read only if something that decides about them has changed."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from healthtrack.imports.models import ImportRun
from readings.importing.staging_files import FileStaging
from readings.models import Consent, Device, Episode, Exclusion, ReadingDay, ReadingStream
from tests.support import factories
from tests.support.apple_exports import export, record, sleep
from tests.support.reading_imports import counts, run_command, undo

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _patients() -> None:
    for number in ("P1", "P2"):
        factories.medical_record(number, date_of_birth=date(1980, 1, 1))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that has an entry for each time that files are read."""
    original, seen = FileStaging._read_files, []

    def read_files(staging: FileStaging, progress: Any) -> None:
        seen.append(staging.work.run_id)
        original(staging, progress)

    monkeypatch.setattr(FileStaging, "_read_files", read_files)
    return seen


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "export.xml"
    path.write_text(
        export(
            record("HeartRate", "72", "count/min", "08:00:00"),
            record("StepCount", "5", "count", "08:00:00", "08:05:00"),
            sleep("AsleepCore", "2024-03-04 23:00:00", "2024-03-05 01:00:00"),
            record("DietaryWater", "200", "mL", "08:00:00"),
        )
    )
    return path


def test_the_same_file_again_changes_nothing_and_is_not_read(path: Path, read: list[int]) -> None:
    first, _ = run_command(path, patient="P1")
    again, errors = run_command(path, patient="P1")
    assert (counts(first), counts(again), errors) == ((2, 0, 0, 0), (0, 0, 2, 0), "")
    assert (again["unchanged_episodes"], again["left_out"]) == (1, {"Dietary water": 1})
    assert len(read) == 1
    for run in ImportRun.objects.order_by("pk"):
        undo(run)
        assert ReadingDay.objects.exists() == (run == ImportRun.objects.order_by("pk").first())
    assert not Episode.objects.exists()


def change_patient(path: Path) -> dict[str, Any]:
    return {"patient": "P2"}


def undo_first(path: Path) -> dict[str, Any]:
    undo(ImportRun.objects.get())
    return {}


def change_value(path: Path) -> dict[str, Any]:
    other = path.with_name("other.xml")
    other.write_text(path.read_text().replace('value="72"', 'value="73"'))
    run_command(other, patient="P1")
    return {}


def exclude(path: Path) -> dict[str, Any]:
    stream = ReadingStream.objects.order_by("stream_id")[0]
    times = {"starts_at": "2024-03-05T00:00:00Z", "ends_at": "2024-03-06T00:00:00Z"}
    Exclusion.objects.create(patient_id="P1", stream_id=stream.stream_id, reason="broken", **times)
    return {}


def add_device(path: Path) -> dict[str, Any]:
    Device.objects.create(serial_number="Watch of Anna (Watch2,4)")
    return {}


def withdraw(path: Path) -> dict[str, Any]:
    Consent.objects.create(patient_id="P1", since=date(2024, 1, 1), is_given=False)
    return {}


@pytest.mark.parametrize("change", [change_patient, undo_first, change_value, exclude, add_device, withdraw])
def test_files_are_read_again_after_a_change(change: Any, path: Path, read: list[int]) -> None:
    run_command(path, patient="P1")
    options = {"patient": "P1", **change(path)}
    before = len(read)
    run_command(path, **options)
    assert len(read) == before + 1
