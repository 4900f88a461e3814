"""One instant of one source in two units: one reading if rounding explains how they differ, or a contradiction."""

import re
from datetime import date
from pathlib import Path

import pytest
from django.db import transaction

from healthtrack.imports.importer import StoredFile
from healthtrack.imports.life_cycle import runs, steps
from healthtrack.imports.life_cycle.outcomes import CollisionError
from healthtrack.imports.life_cycle.runs import FileFacts
from healthtrack.imports.models import ImportRun, State
from readings.models import Contribution, ReadingDay, ReadingStream
from readings.store import blocks
from tests.support import factories
from tests.support.apple_exports import export, record
from tests.support.reading_imports import counts, run_command, undo

pytestmark = pytest.mark.django_db

HEADER = "patient_id,metric,start,end,value,unit,device\n"
AT = "2024-03-05T08:00:00+01:00"
WITHIN_FILES = "The files have different values for this instant in two units"
STORED = "An earlier import has another value for this instant in another unit"


@pytest.fixture(autouse=True)
def _patients() -> None:
    for number in ("P1", "P2"):
        factories.medical_record(number, date_of_birth=date(1980, 1, 1))


def row(
    value: str, metric: str = "glucose", at: str = AT, end: str = "", *, device: str = "Sensor", of: str = "P1"
) -> str:
    """Return a row; the value is followed by its unit."""
    return ",".join([of, metric, at, end, *value.split(" "), device]) + "\n"


def write(folder: Path, name: str, *rows: str) -> Path:
    path = folder / name
    path.write_text(HEADER + "".join(rows))
    return path


def stored() -> list[tuple[str, list[int], int]]:
    """Return unit, values and decimals of the day rows."""
    units = {each.stream_id: each.unit for each in ReadingStream.objects.all()}
    return [
        (units[each.stream_id], each.small_values or [], each.value_decimals or 0)
        for each in ReadingDay.objects.order_by("stream_id", "day")
    ]


# Metric, the value whose unit is that of the metric, and the same in another unit.
AGREE = [
    ("glucose", "100 mg/dL", "5.6 mmol/L"),
    ("glucose", "100 mg/dL", "5.5 mmol/L"),  # of 99.6
    ("glucose", "100 mg/dL", "5.5507 mmol/L"),
    ("glucose", "100 mg/dL", "5.55556 mmol/L"),  # by programs that divide by 18
    ("glucose", "108 mg/dL", "6 mmol/L"),
    ("body_temperature", "37.0 Cel", "98.6 [degF]"),
    ("body_temperature", "36.6 Cel", "309.75 K"),
    ("weight", "80 kg", "176 [lb_av]"),
    ("weight", "80.0 kg", "176.4 [lb_av]"),
    ("weight", "80.1 kg", "80100 g"),
    ("systolic_pressure", "120 mm[Hg]", "16.0 kPa"),
    ("oxygen_saturation", "97 %", "0.97 1"),
    ("heart_rate", "72 /min", "72.0 {beats}/min"),
]
DIFFER = [
    ("glucose", "100 mg/dL", "5.4 mmol/L"),
    ("glucose", "100 mg/dL", "5.50 mmol/L"),
    ("glucose", "100 mg/dL", "6.0 mmol/L"),
    ("glucose", "100.00 mg/dL", "5.5 mmol/L"),
    ("body_temperature", "37.0 Cel", "99.0 [degF]"),
    ("weight", "80.0 kg", "176.0 [lb_av]"),
    ("weight", "80 kg", "174 [lb_av]"),
    ("oxygen_saturation", "97 %", "0.98 1"),
    ("heart_rate", "72 /min", "73 {beats}/min"),
]


class TestOfOneImport:
    @pytest.mark.parametrize(("metric", "own", "other"), AGREE)
    @pytest.mark.parametrize("is_reversed", [False, True])
    def test_values_that_agree_are_one_reading_in_the_unit_of_the_metric(
        self, tmp_path: Path, metric: str, own: str, other: str, *, is_reversed: bool
    ) -> None:
        rows = [row(own, metric), row(other, metric)]
        found, errors = run_command(write(tmp_path, "a.csv", *(reversed(rows) if is_reversed else rows)))
        assert (errors, counts(found)) == ("", (1, 0, 0, 0))
        ((unit, _, _),) = stored()
        assert unit == own.split(" ")[1]

    @pytest.mark.parametrize(("metric", "own", "other"), DIFFER)
    def test_values_that_differ_are_errors_with_both_values_and_places(
        self, tmp_path: Path, metric: str, own: str, other: str
    ) -> None:
        path = write(tmp_path, "a.csv", row(own, metric), row(other, metric), row(own, metric, AT.replace("08", "09")))
        _, errors = run_command(path)
        assert not ReadingDay.objects.exists()
        found, errors = run_command(path, skip_unreadable=True)
        assert counts(found) == (1, 0, 0, 2)
        first, second = (re.sub(r"[.]?0+ ", " ", each) if "." in each else each for each in (own, other))
        assert f"Line 2, value “{first}, but {second} in line 3”: {WITHIN_FILES}" in errors
        assert f"Line 3, value “{second}, but {first} in line 2”: {WITHIN_FILES}" in errors
        assert "Correct or remove a row." in errors

    def test_the_places_are_those_of_several_files_and_blocks(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(blocks, "MAX_READINGS", 3)
        days = [f"2024-03-{day:02}T23:30:00+01:00" for day in range(1, 20)]
        first = write(tmp_path, "a.csv", *(row(f"{100 + n} mg/dL", at=at) for n, at in enumerate(days)))
        others = [row(f"{(100 + n) / 18.01559:.1f} mmol/L", at=at) for n, at in enumerate(days)]
        others[7] = row("9.9 mmol/L", at="2024-03-09T03:30:00+05:00")  # the same instant as on 8 March
        second = write(tmp_path, "b.csv", *others)
        found, errors = run_command(first, second, skip_unreadable=True)
        assert counts(found) == (18, 0, 0, 2)
        assert "a.csv: Line 9, value “107 mg/dL, but 9.9 mmol/L in b.csv, line 9”" in errors
        assert "b.csv: Line 9, value “9.9 mmol/L, but 107 mg/dL in a.csv, line 9”" in errors
        assert {unit for unit, _, _ in stored()} == {"mg/dL"}

    def test_other_patients_sources_metrics_and_instants_have_nothing_to_do_with_it(self, tmp_path: Path) -> None:
        rows = [
            row("100 mg/dL"),
            row("9.9 mmol/L", of="P2"),
            row("9.9 mmol/L", device="Another"),
            row("9.9 mmol/L", metric="blood_glucose"),
            row("9.9 mmol/L", at=AT.replace(":00:00", ":00:01")),
        ]
        assert counts(run_command(write(tmp_path, "a.csv", *rows))[0]) == (5, 0, 0, 0)

    def test_two_values_in_one_unit_make_that_in_another_unreadable_as_well(self, tmp_path: Path) -> None:
        path = write(tmp_path, "a.csv", row("100 mg/dL"), row("110 mg/dL"), row("5.6 mmol/L"), row("90 mg/dL", of="P2"))
        found, errors = run_command(path, skip_unreadable=True)
        assert counts(found) == (1, 0, 0, 3)
        assert "Line 2, value “100”: The files have different values for this instant." in errors
        assert "Line 4, value “5.6 mmol/L, but 110 mg/dL in line 3”" in errors

    def test_intervals_in_two_units_are_one_reading_only_if_they_have_the_same_end(self, tmp_path: Path) -> None:
        ends = [AT.replace("08", hour) for hour in ("09", "10")]
        at = [AT, AT.replace("08", "07")]
        rows = [row("1000 m", "distance", at[0], ends[0]), row("1 km", "distance", at[0], ends[0])]
        rows += [row("1000 m", "distance", at[1], ends[0]), row("1 km", "distance", at[1], ends[1])]
        found, errors = run_command(write(tmp_path, "a.csv", *rows), skip_unreadable=True)
        assert counts(found) == (1, 0, 0, 2)
        assert "Line 4, value “1000 m, but 1 km in line 5”" in errors
        assert "or different ends" in errors


class TestOfSeveralImports:
    @pytest.mark.parametrize(("metric", "own", "other"), AGREE)
    @pytest.mark.parametrize("is_reversed", [False, True])
    def test_values_that_agree_change_nothing(
        self, tmp_path: Path, metric: str, own: str, other: str, *, is_reversed: bool
    ) -> None:
        first, second = (other, own) if is_reversed else (own, other)
        run_command(write(tmp_path, "a.csv", row(first, metric)))
        before = stored()
        found, errors = run_command(write(tmp_path, "b.csv", row(second, metric)))
        assert (errors, counts(found)) == ("", (0, 0, 1, 0))
        assert stored() == before

    def test_values_that_differ_are_errors_and_the_stored_one_stays(self, tmp_path: Path) -> None:
        run_command(write(tmp_path, "a.csv", row("100 mg/dL")))
        later = write(tmp_path, "b.csv", row("7.2 mmol/L"), row("5.0 mmol/L", at=AT.replace("08", "09")))
        _, errors = run_command(later)
        first = ImportRun.objects.earliest("pk")
        assert f"Line 2, value “7.2 mmol/L, but 100 mg/dL in import {first.pk}”: {STORED}" in errors
        assert "Correct this row, or undo that import." in errors
        assert stored() == [("mg/dL", [100], 0)]
        assert counts(run_command(later, skip_unreadable=True)[0]) == (1, 0, 0, 1)
        assert stored() == [("mg/dL", [100], 0), ("mmol/L", [5], 0)]
        undo(first)
        assert counts(run_command(later)[0]) == (1, 0, 1, 0)

    def test_a_history_that_comes_again_in_another_unit_is_known_and_the_rest_is_new(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(blocks, "MAX_READINGS", 5)
        times = [f"2024-03-{day:02}T{hour:02}:00:00+01:00" for day in range(1, 8) for hour in (1, 9, 23)]
        values = {at: 80 + 3 * n for n, at in enumerate(times)}
        run_command(write(tmp_path, "a.csv", *(row(f"{values[at]} mg/dL", at=at) for at in times[:12])))
        again = [row(f"{values[at] / 18.01559:.1f} mmol/L", at=at) for at in times]
        found, errors = run_command(write(tmp_path, "b.csv", *again))
        assert (errors, counts(found)) == ("", (9, 0, 12, 0))
        assert sum(len(values) for _, values, _ in stored()) == len(times)
        first, second = ImportRun.objects.order_by("pk")
        undo(first)
        assert sum(len(values) for _, values, _ in stored()) == len(times)
        undo(second)
        assert not ReadingDay.objects.exists()
        assert not ReadingStream.objects.exists()
        assert not Contribution.objects.exists()

    def test_an_export_of_apple_health_in_other_units_than_before_changes_nothing(self, tmp_path: Path) -> None:
        before, after = tmp_path / "before.xml", tmp_path / "after.xml"
        hour = ("08:00:00", "09:00:00")
        before.write_text(
            export(
                record("BloodGlucose", "101", "mg/dL", "08:00:00"),
                record("BodyMass", "80.25", "kg", "08:00:00"),
                record("DistanceWalkingRunning", "1.234", "km", *hour),
            )
        )
        after.write_text(
            export(
                record("BloodGlucose", "5.606255763466402", "mmol&lt;180.1558800000541&gt;/L", "08:00:00"),
                record("BodyMass", "176.9209656", "lb", "08:00:00"),
                record("DistanceWalkingRunning", "0.76677", "mi", *hour),
                record("BodyMass", "177", "lb", "10:00:00"),
            )
        )
        assert counts(run_command(before, patient="P1")[0]) == (3, 0, 0, 0)
        found, errors = run_command(after, patient="P1")
        assert (errors, counts(found)) == ("", (1, 0, 3, 0))

    def test_an_import_does_not_contradict_what_was_imported_since_its_check(self, tmp_path: Path) -> None:
        waiting = write(tmp_path, "a.csv", row("100 mg/dL"))
        run = check(waiting)
        run_command(write(tmp_path, "b.csv", row("9.9 mmol/L")))
        with pytest.raises(CollisionError):
            apply(run, waiting)
        assert stored() == [("mmol/L", [99], 1)]

    def test_an_import_sees_what_was_undone_since_its_check(self, tmp_path: Path) -> None:
        run_command(write(tmp_path, "b.csv", row("101 mg/dL"), row("90 mg/dL", at=AT.replace("08", "09"))))
        waiting = write(tmp_path, "a.csv", row("5.6 mmol/L"), row("5.7 mmol/L", at=AT.replace("08", "12")))
        run = check(waiting)
        assert (run.result["new"], run.result["unchanged"]) == (1, 1)
        undo(ImportRun.objects.earliest("pk"))
        apply(run, waiting)
        assert (run.state, run.result["new"], run.result["unchanged"]) == (State.CHECKED, 2, 0)
        apply(run, waiting)
        assert run.is_applied
        assert stored() == [("mmol/L", [56, 57], 1)]


def check(path: Path) -> ImportRun:
    with transaction.atomic():
        run = runs.open_run("readings.reading", [FileFacts(path.name, path.stat().st_size, "0" * 64, "upload")])
    steps.check(run, files(path), steps.no_progress)
    assert run.state == State.CHECKED
    return run


def apply(run: ImportRun, path: Path) -> None:
    steps.apply(run, files(path), steps.no_progress)


def files(path: Path) -> list[StoredFile]:
    return [StoredFile(path.name, path.stat().st_size, path)]
