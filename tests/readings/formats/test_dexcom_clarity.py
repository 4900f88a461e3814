"""Dexcom Clarity: what is read of its table, and what is not."""

from datetime import date
from pathlib import Path

import pytest

from readings.models import ReadingDay
from tests.support import factories
from tests.support.clarity_tables import COLUMNS, PREAMBLE, value
from tests.support.formats import Content, read_files
from tests.support.reading_imports import run_command


def write(path: Path, rows: str, unit: str = "mg/dL", preamble: str = PREAMBLE) -> Path:
    path.write_text(COLUMNS.format(unit=unit) + "\n" + preamble + rows)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "export.csv"


def read(path: Path) -> Content:
    content = read_files(path)
    assert content.formats == ["dexcom_clarity"]
    return content


def test_only_sensor_values_are_read_and_the_rest_is_counted(path: Path) -> None:
    rows = (
        value(6, "2024-03-05T08:00:00", "103")
        + "7,2024-03-05T08:01:00,Calibration,,,,Android G6,110,,,,,,\n"
        + "8,2024-03-05T08:02:00,Insulin,Fast-Acting,,,Android G6,,4,,,,,\n"
        + "9,2024-03-05T08:03:00,Carbs,,,,Android G6,,,30,,,,\n"
    )
    content = read(write(path, rows))
    assert content.select("line", "metric", "start", "value", "unit", "device", "model") == [
        (7, "glucose", "2024-03-05T08:00:00", "103", "mg/dL", "Android G6", "Dexcom G6 Mobile App")
    ]
    assert content.left_out == {"settings of alerts": 1, "calibrations": 1, "insulin": 1, "meals": 1}


def test_low_and_high_lie_just_beyond_the_limits_of_the_sensor(path: Path) -> None:
    rows = value(6, "2024-03-05 8:00:00", "Low") + value(7, "2024-03-05 8:05:00", "High")
    assert read(write(path, rows)).select("start", "value") == [
        ("2024-03-05T08:00:00", "39"),
        ("2024-03-05T08:05:00", "401"),
    ]
    assert read(write(path, rows, "mmol/L")).select("value", "unit") == [("2.1", "mmol/L"), ("22.3", "mmol/L")]


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "\ufeff" + text,
        lambda text: "ï»¿" + text,
        lambda text: "\n".join(f'"{line}"' if line else "" for line in text.split("\n")),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace(",", ";"),
    ],
    ids=["mark", "mark encoded twice", "lines in quotes", "Windows", "semicolons"],
)
def test_what_other_programs_do_to_the_table_is_read(path: Path, damage: object) -> None:
    write(path, value(6, "2024-03-05T08:00:00", "103"))
    path.write_text(damage(path.read_text()), newline="")  # type: ignore[operator]  # a function
    assert read(path).select("start", "value", "unit") == [("2024-03-05T08:00:00", "103", "mg/dL")]


def test_headers_in_another_language_are_read_by_their_places(path: Path) -> None:
    header = (
        "Index,Zeitstempel (JJJJ-MM-TTThh:mm:ss),Ereignistyp,Ereignissubtyp,Patienteninfo,Geräteinfo,Quellgerät-ID,"
        "Glukosewert (mmol/l),Insulinwert (E),Kohlenhydratwert (Gramm),Dauer (hh:mm:ss),Änderungsrate (mmol/l/min)"
    )
    path.write_text(f'{header}\n1,2024-03-05T08:00:00,EGV,,,,iPhone G7,"5,6",,,,\n')
    assert read(path).select("value", "unit") == [("5.6", "mmol/L")]


@pytest.mark.parametrize(
    ("form", "first", "second", "days"),
    [
        ("MM/DD/YYYY hh:mm:ss", "03/05/2024 08:00:00", "03/05/2024 8:05:00 PM", "2024-03-05"),
        ("DD/MM/YYYY hh:mm:ss", "05/03/2024 08:00:00", "05/03/2024 20:05", "2024-03-05"),
        ("YYYY-MM-DDThh:mm:ss", "1/13/2024 8:00", "1/13/2024 20:05", "2024-01-13"),
        ("YYYY-MM-DDThh:mm:ss", "13.01.2024 08:00", "13.01.2024 20:05", "2024-01-13"),
    ],
)
def test_the_header_or_a_day_shows_the_order_of_dates(
    path: Path, form: str, first: str, second: str, days: str
) -> None:
    write(path, value(6, first, "103") + value(7, second, "104"))
    path.write_text(path.read_text().replace("YYYY-MM-DDThh:mm:ss", form))
    assert read(path).select("start") == [(f"{days}T08:00:00",), (f"{days}T20:05:00",)]


def test_dates_whose_order_nothing_shows_are_refused(path: Path) -> None:
    content = read_files(write(path, value(6, "1/2/2024 8:00", "103")))
    assert "whether the day or the month comes first" in str(content.errors[0])


def test_a_file_of_several_people_is_refused(path: Path) -> None:
    content = read_files(write(path, value(6, "2024-03-05T08:00:00", "103") + "7,,FirstName,,Berta,,,,,,,,,\n"))
    assert "has several people" in str(content.errors[0])
    assert content.errors[0].line == 8


@pytest.mark.django_db
class TestImport:
    @pytest.fixture(autouse=True)
    def _patients(self) -> None:
        factories.medical_record("P1", date_of_birth=date(1970, 1, 1))

    def test_bad_values_are_reported_with_line_and_value(self, path: Path) -> None:
        rows = (
            value(6, "2024-02-30T08:00:00", "103") + value(7, "2024-03-05T08:00:00", "1O3") + "8,2024-03-05T08:05:00\n"
        )
        _, errors = run_command(write(path, rows), patient="P1", zone="Europe/Berlin")
        assert "Line 7, start “2024-02-30T08:00:00”: This is not an existing date and time" in errors
        assert "Line 8, value “1O3”: This is not a number" in errors
        assert "Line 9 “2024-03-05T08:05:00”: The row ends before the glucose value." in errors

    def test_the_transmitters_clock_orders_times_that_occur_twice(self, path: Path) -> None:
        times = ["01:50", "02:10", "02:50", "02:05", "02:55", "03:05"]
        rows = [
            value(6 + n, f"2024-10-27T{time}:00", f"{100 + n}", f"{9000 + n * 300}") for n, time in enumerate(times)
        ]
        found, errors = run_command(write(path, "".join(sorted(rows))), patient="P1", zone="Europe/Berlin")
        assert (errors, found["new"]) == ("", 6)
        early, late = ReadingDay.objects.order_by("-utc_offset")
        assert (early.small_values, late.small_values) == ([100, 101, 102], [103, 104, 105])

    def test_files_of_two_people_are_refused_unless_they_are_named_after_patients(
        self, path: Path, tmp_path: Path
    ) -> None:
        write(path, value(6, "2024-03-05T08:00:00", "103"))
        other = write(
            tmp_path / "b.csv", value(6, "2024-03-05T08:00:00", "99"), preamble=PREAMBLE.replace("Anna", "Eva")
        )
        _, errors = run_command(path, other, patient="P1", zone="UTC")
        assert "The files are of several people" in errors
        assert not ReadingDay.objects.exists()
