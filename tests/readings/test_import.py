"""The import of readings: all forms of files, all kinds of bad input, repetition and undo."""

import gzip
import json
import re
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from healthtrack.imports.models import ImportRun, State
from readings.models import Consent, Contribution, Device, DeviceAssignment, ReadingDay, ReadingStream, StreamDevice
from tests.support import factories
from tests.support.reading_imports import counts, run_command, undo

pytestmark = pytest.mark.django_db

HEADER = "patient_id,metric,start,end,value,unit,device\n"
HEART_RATE = "P1,heart_rate,2024-03-05T08:00:00+01:00,,72,/min,Watch\n"


@pytest.fixture(autouse=True)
def _patients() -> None:
    for number in ("P1", "P2"):
        factories.medical_record(number, date_of_birth=date(1980, 1, 1))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "readings.csv"


def test_a_file_becomes_day_rows_with_figures(file: Path) -> None:
    file.write_text(
        HEADER
        + HEART_RATE
        + "P1,8867-4,2024-03-05T08:00:10+01:00,,80,/min,Watch\n"
        + "P1,steps,2024-03-05T08:00:00+01:00,2024-03-05T08:05:00+01:00,120,{steps},Watch\n"
        + "P2,glucose,2024-03-05T23:30:00.5Z,,5.50,mmol/L,\n"
    )
    found, errors = run_command(file)
    assert errors == ""
    assert counts(found) == (4, 0, 0, 0)
    assert (found["days"], found["unassigned"]) == (3, 3)
    heart, steps, glucose = ReadingDay.objects.order_by("patient_id", "stream_id")
    assert (heart.day, heart.utc_offset, heart.gaps, heart.small_values) == (date(2024, 3, 5), 3600, [0, 10], [72, 80])
    assert (heart.lowest, heart.highest, heart.total, heart.seconds_covered) == (72, 80, 152, 20)
    assert (steps.lengths, steps.total, steps.seconds_covered) == ([300], 120, 300)
    assert (glucose.time_decimals, glucose.value_decimals, glucose.small_values) == (3, 1, [55])
    assert glucose.range_seconds == [0, 0, 60, 0, 0]


@pytest.mark.parametrize("form", ["csv", "ndjson", "gzip", "zip"])
def test_each_form_of_a_file_is_read(form: str, tmp_path: Path) -> None:
    names = HEADER.strip().split(",")
    objects: list[dict[str, Any]] = [dict(zip(names, HEART_RATE.strip().split(","), strict=True))]
    objects.append(
        {"patient_id": "P1", "metric": "weight", "start": "2024-03-06T07:00:00Z", "value": 70.5, "unit": "kg"}
    )
    lines = "\n".join(map(json.dumps, objects))
    table = HEADER + HEART_RATE + "P1,weight,2024-03-06T07:00:00Z,,70.5,kg,\n"
    path = tmp_path / {"csv": "a.csv", "ndjson": "a.ndjson", "gzip": "a.ndjson.gz", "zip": "a.zip"}[form]
    if form == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.csv", "\ufeff" + table.replace("\n", "\r\n"))
    elif form == "gzip":
        path.write_bytes(gzip.compress(lines.encode()))
    else:
        path.write_text({"csv": table, "ndjson": lines}[form])
    assert counts(run_command(path)[0]) == (2, 0, 0, 0)


@pytest.mark.parametrize(
    ("number", "value", "decimals"),
    [
        *(("70.1", 701, 1), ("1e2", 100, 0), ("72.0", 72, 0), ("7.20E1", 72, 0), ('"72"', 72, 0)),
        ("78.12345678901234", 7812345678901234, 14),
        ("72.300000000000001", 72300000000000001, 15),
    ],
)
def test_numbers_of_json_are_stored_exactly(tmp_path: Path, number: str, value: int, decimals: int) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text(_as_json(number))
    found, errors = run_command(path)
    assert (errors, found["new"]) == ("", 1)
    row = ReadingDay.objects.get()
    assert ((row.small_values or row.large_values), row.value_decimals) == ([value], decimals)


@pytest.mark.parametrize(
    ("number", "shown", "reason"),
    [
        *(
            ("1e999", "1e999", "not a number"),
            ("NaN", "NaN", "not a number"),
            ("-Infinity", "-Infinity", "not a number"),
        ),
        ("12345678901234567.89", "12345678901234567.89", "not plausible"),
        ("-5", "-5", "not plausible"),
        *(("null", "", "has no value"), ("true", "true", "not a number")),
        ("{1}", '{"patient_id"', "not a JSON object"),
    ],
)
def test_bad_numbers_of_json_are_reported_as_they_are_written(
    tmp_path: Path, number: str, shown: str, reason: str
) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text(_as_json("70") + _as_json(number))
    found, errors = run_command(path, skip_unreadable=True)
    assert counts(found) == (1, 0, 0, 1)
    assert "Line 2" in errors
    assert shown in errors
    assert reason in errors


def _as_json(value: str) -> str:
    row = '{"patient_id": "P1", "metric": "weight", "start": "2024-03-06T07:00:00Z", "value": %s, "unit": "kg"}\n'
    return row % value


def test_files_of_an_archive_are_named_after_patients(tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    row = "metric,start,value,unit\nheart_rate,2024-03-05T08:00:00Z,72,/min\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("P1.csv", row)
        archive.writestr("P2/march.csv", row)
    assert counts(run_command(path)[0]) == (2, 0, 0, 0)
    assert set(ReadingStream.objects.values_list("patient_id", flat=True)) == {"P1", "P2"}


def test_the_same_file_again_changes_nothing_even_from_another_zone(file: Path, tmp_path: Path) -> None:
    file.write_text(HEADER + HEART_RATE)
    run_command(file)
    before: list[Any] = list(ReadingDay.objects.values())
    assert counts(run_command(file)[0]) == (0, 0, 1, 0)
    moved = tmp_path / "moved.csv"
    moved.write_text(HEADER + "P1,heart_rate,2024-03-05T02:00:00-05:00,,72,/min,Watch\n")
    assert counts(run_command(moved)[0]) == (0, 0, 1, 0)
    after: list[Any] = list(ReadingDay.objects.values())
    for each in (*before, *after):
        each.pop("run_id")
    assert after == before
    assert Contribution.objects.count() == 2


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        (",heart_rate,2024-03-05T08:00:00Z,,72,/min,", "", "names no patient"),
        ("P9,heart_rate,2024-03-05T08:00:00Z,,72,/min,", "patient_id", "No record has this number"),
        ("P1,pulse,2024-03-05T08:00:00Z,,72,/min,", "metric", "No metric has this code"),
        ("P1,heart_rate,2024-03-05T08:00:00Z,,72,bpm,", "unit", "no such unit"),
        ("P1,heart_rate,2024-03-05T08:00:00Z,,NaN,/min,", "value", "This is not a number"),
        ("P1,heart_rate,2024-03-05T08:00:00Z,,1e999,/min,", "value", "This is not a number"),
        ("P1,steps,2024-03-05T08:00:00Z,2024-03-05T08:05:00Z,\uff17\uff12,{steps},", "value", "This is not a number"),
        ("P1,heart_rate,2024-03-05T08:00:00.\uff15,,72,/min,", "start", "not an existing date"),
        ("P1,heart_rate,2024-03-05T08:00:00Z,,1e30,/min,", "value", "not plausible"),
        ("P1,heart_rate,2024-03-05T08:00:00Z,,72.12345678901234567,/min,", "value", "too many digits"),
        ("P1,heart_rate,2024-03-05T08:00:00Z,,300,/min,", "value", "not plausible"),
        ("P1,steps,2024-03-05T08:00:00Z,2024-03-05T08:01:00Z,-5,{steps},", "value", "not plausible"),
        ("P1,heart_rate,2024-02-30T08:00:00Z,,72,/min,", "start", "not an existing date"),
        ("P1,heart_rate,2024-03-05T25:00:00Z,,72,/min,", "start", "not an existing date"),
        ("P1,heart_rate,2024-03-05T08:00:60Z,,72,/min,", "start", "not an existing date"),
        ("P1,heart_rate,yesterday,,72,/min,", "start", "not an existing date"),
        ("P1,heart_rate,2024-03-05T08:00:00.1234567Z,,72,/min,", "start", "more than six decimals"),
        ("P1,heart_rate,2999-03-05T08:00:00Z,,72,/min,", "start", "in the future"),
        ("P1,heart_rate,1979-12-31T08:00:00Z,,72,/min,", "start", "before the patient's birth"),
        ("P1,heart_rate,2024-03-05T08:00:00Z,2024-03-05T08:01:00Z,72,/min,", "end", "leave the end empty"),
        ("P1,steps,2024-03-05T08:00:00Z,,5,{steps},", "end", "enter when it ended"),
        ("P1,steps,2024-03-05T08:00:00Z,2024-03-05T07:59:00Z,5,{steps},", "end", "not after the start"),
        ("P1,heart_rate,2024-03-05T08:00:00Z,,72", "", "Has 5 cells, but the header has 7"),
        ('P1,heart_rate,"2024-03-05T08:00:00Z,,72,/min,', "", "A quote is opened but not closed"),
    ],
)
def test_bad_rows_are_reported_with_place_value_and_reason(file: Path, row: str, column: str, reason: str) -> None:
    file.write_text(HEADER + HEART_RATE + row + "\n")
    found, errors = run_command(file)
    if reason != "names no patient":  # about which the command asks
        assert found["unreadable"] == 1
        assert "Line 3" in errors
    assert reason in errors or "Whose readings are these?" in errors
    assert "Nothing was imported" in errors
    assert not ReadingDay.objects.exists()
    found, _ = run_command(file, skip_unreadable=True, patient="P2")
    assert found["new"] == (2 if reason == "names no patient" else 1)


def test_different_values_of_one_instant_are_unreadable_and_equal_ones_count_once(file: Path) -> None:
    other = HEART_RATE.replace("72", "73")
    third = HEART_RATE.replace("08:00:00", "08:00:01")
    file.write_text(HEADER + HEART_RATE + other + third * 3)
    found, errors = run_command(file, skip_unreadable=True)
    assert counts(found) == (1, 0, 0, 2)
    assert "Line 2, value “72”: The files have different values for this instant." in errors
    assert "Line 3, value “73”" in errors


def test_different_values_of_one_instant_are_shown_in_full(file: Path) -> None:
    row = "P1,distance,2024-03-05T08:00:00+01:00,2024-03-05T09:00:00+01:00,{},m,Watch\n"
    file.write_text(HEADER + row.format("123456.7") + row.format("123456.75"))
    errors = run_command(file)[1]
    assert "Line 2, value “123456.7”" in errors
    assert "Line 3, value “123456.75”" in errors


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress((HEADER + HEART_RATE * 1000).encode())[:-20])
    _, errors = run_command(path)
    assert "is damaged or was cut off" in errors
    assert ImportRun.objects.get().state == State.REFUSED


def test_of_a_damaged_file_what_was_read_before_is_offered(tmp_path: Path) -> None:
    rows = "".join(
        f"P1,heart_rate,2024-03-0{1 + n // 1440}T{n // 60 % 24:02}:{n % 60:02}:00+01:00,,{60 + n * n % 41},/min,Watch\n"
        for n in range(8000)
    )
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress((HEADER + rows).encode())[:-9000])
    found, errors = run_command(path)
    assert found["unreadable"] >= 1
    assert re.search(r"The file a.csv.gz is damaged or was cut off after [\d,]+ bytes", errors)
    assert not ReadingDay.objects.exists()
    found, errors = run_command(path, skip_unreadable=True)
    assert 1000 < found["new"] < 8000


def test_a_file_without_the_columns_is_refused(file: Path) -> None:
    file.write_text("a,b\n1,2\n")
    assert "has no column metric" in run_command(file)[1]


def test_a_withdrawn_consent_refuses_the_patient(file: Path) -> None:
    Consent.objects.create(patient_id="P1", since=date(2024, 1, 1), is_given=False)
    file.write_text(HEADER + HEART_RATE)
    assert "withdrew the consent" in run_command(file)[1]


def test_a_device_that_another_patient_wore_is_no_source(file: Path) -> None:
    device = Device.objects.create(serial_number="SN1")
    DeviceAssignment.objects.create(device=device, patient_id="P2", worn_from=date(2024, 3, 1))
    file.write_text(HEADER + HEART_RATE.replace("Watch", "sn1"))
    assert "Another patient wore the device" in run_command(file)[1]


class TestOneSerialNumberForTwoPatients:
    """Rows that name the serial number of a device which nobody is assigned to."""

    OF_P1 = HEART_RATE.replace("Watch", "SN1") + HEART_RATE.replace("Watch", "SN1").replace("08:00", "08:30")
    OF_P2 = HEART_RATE.replace("Watch", "sn1").replace("P1", "P2").replace("08:00", "08:15")

    @pytest.fixture(autouse=True)
    def _device(self) -> None:
        Device.objects.create(serial_number="SN1")

    @pytest.mark.parametrize("is_reversed", [False, True])
    def test_at_the_same_time_all_of_them_are_unreadable(self, file: Path, *, is_reversed: bool) -> None:
        rows = [*self.OF_P1.splitlines(), *self.OF_P2.splitlines(), HEART_RATE.strip()]
        file.write_text(HEADER + "\n".join(reversed(rows) if is_reversed else rows) + "\n")
        found, errors = run_command(file, skip_unreadable=True)
        assert counts(found) == (1, 0, 0, 3)
        first = 3 if is_reversed else 2
        for line in range(first, first + 3):
            assert f"Line {line}, device “sn1”: Another patient has readings from the device" in errors
        assert ReadingStream.objects.get().source == "Watch"

    def test_readings_of_another_import_count_as_well(self, file: Path, tmp_path: Path) -> None:
        file.write_text(HEADER + self.OF_P1)
        run_command(file)
        later = tmp_path / "later.csv"
        later.write_text(HEADER + self.OF_P2)
        assert "Another patient has readings from the device" in run_command(later)[1]
        undo(ImportRun.objects.earliest("pk"))
        assert run_command(later)[0]["new"] == 1

    def test_one_after_the_other_may_wear_it(self, file: Path) -> None:
        file.write_text(HEADER + self.OF_P1 + self.OF_P2.replace("08:15", "09:15"))
        assert counts(run_command(file)[0]) == (3, 0, 0, 0)


class TestQuestions:
    ROW = "metric,start,value,unit\nheart_rate,{start},72,/min\n"

    def test_the_command_names_the_options_for_what_a_file_does_not_say(self, file: Path) -> None:
        file.write_text("metric,start,value\nglucose,2024-03-05T08:00:00,100\n")
        _, errors = run_command(file)
        for option in ("--patient NUMBER", "--zone", "--unit glucose=UNIT: mg/dL, mmol/L"):
            assert option in errors
        found, errors = run_command(file, patient="P1", zone="Europe/Berlin", unit=["glucose=mg/dL"])
        assert (errors, found["new"]) == ("", 1)
        assert ReadingDay.objects.get().utc_offset == 3600

    def test_counts_and_other_metrics_with_one_unit_need_none(self, file: Path) -> None:
        file.write_text(HEADER + "P1,steps,2024-03-05T08:00:00Z,2024-03-05T08:05:00Z,120,,\n")
        found, errors = run_command(file)
        assert errors == ""
        assert counts(found) == (1, 0, 0, 0)
        assert ReadingStream.objects.get().unit == "{steps}"

    def test_units_that_only_differ_in_name_are_one_choice(self, file: Path) -> None:
        file.write_text(HEADER + "P1,heart_rate,2024-03-05T08:00:00Z,,72,,\n")
        _, errors = run_command(file)
        assert "--unit heart_rate=UNIT: /min, Hz." in errors

    @pytest.mark.parametrize(
        ("start", "reason"),
        [("2024-03-31T02:30:00", "did not exist"), ("2024-10-27T02:30:00", "occurred twice")],
    )
    def test_local_times_that_do_not_exist_or_occur_twice_are_unreadable(
        self, file: Path, start: str, reason: str
    ) -> None:
        file.write_text(self.ROW.format(start=start))
        assert reason in run_command(file, patient="P1", zone="Europe/Berlin")[1]

    def test_ascending_rows_tell_which_of_two_equal_local_times_is_meant(self, file: Path) -> None:
        times = ["01:50", "02:10", "02:50", "02:05", "02:55", "03:05"]
        rows = [f"heart_rate,2024-10-27T{time}:00,{70 + n},/min" for n, time in enumerate(times)]
        file.write_text("\n".join(["metric,start,value,unit", *rows, ""]))
        found, errors = run_command(file, patient="P1", zone="Europe/Berlin")
        assert (errors, found["new"]) == ("", 6)
        early, late = ReadingDay.objects.order_by("-utc_offset")
        assert (early.small_values, late.small_values) == ([70, 71, 72], [73, 74, 75])


def test_devices_are_found_by_serial_number_and_by_the_model_that_was_worn(file: Path) -> None:
    model = factories.tracker_model("Fitbit", "Charge 5")
    by_serial = Device.objects.create(serial_number="SN1")
    by_model = Device.objects.create(serial_number="SN2", model=model)
    DeviceAssignment.objects.create(
        device=by_model, patient_id="P1", worn_from=date(2024, 3, 1), worn_until=date(2024, 4, 1)
    )
    file.write_text(HEADER + HEART_RATE.replace("Watch", "sn1") + HEART_RATE.replace("Watch", "Charge 5"))
    found, _ = run_command(file)
    assert (found["devices"], found["unassigned"]) == (2, 0)
    rows = StreamDevice.objects.order_by("stream_id", "starts_at").values_list("device_id", "decision")
    assert list(rows) == [
        (by_serial.pk, "serial"),
        *((by_model.pk, "model"), (None, "open")),
    ]


def test_an_undo_leaves_what_other_imports_brought_too(file: Path, tmp_path: Path) -> None:
    later = tmp_path / "later.csv"
    file.write_text(HEADER + HEART_RATE)
    later.write_text(HEADER + HEART_RATE + HEART_RATE.replace("08:00:00", "09:00:00"))
    run_command(file)
    run_command(later)
    first, second = ImportRun.objects.order_by("pk")
    undo(first)
    assert ReadingDay.objects.get().small_values == [72, 72]
    undo(second)
    assert not ReadingDay.objects.exists()
    assert not ReadingStream.objects.exists()
    assert not StreamDevice.objects.exists()
