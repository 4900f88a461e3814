"""FreeStyle LibreView: what is read of its table in any language, and what is not."""

from datetime import date
from pathlib import Path

import pytest

from readings.models import Device, ReadingDay
from tests.support import factories
from tests.support.formats import Content, read_files
from tests.support.libreview_tables import FIRST, HEADER, record
from tests.support.reading_imports import run_command

GERMAN = (
    "Gerät,Seriennummer,Gerätezeitstempel,Aufzeichnungstyp,Glukosewert-Verlauf mmol/L,Glukose-Scan mmol/L,"
    "Nicht numerisches schnellwirkendes Insulin,Schnellwirkendes Insulin (Einheiten),Nicht numerische Nahrungsdaten,"
    "Kohlenhydrate (Gramm),Kohlenhydrate (Portionen),Nicht numerisches Depotinsulin,Depotinsulin (Einheiten),Notizen,"
    "Glukose-Teststreifen mmol/L,Keton mmol/L,Mahlzeiteninsulin (Einheiten),Korrekturinsulin (Einheiten),"
    "Insulin-Änderung durch Anwender (Einheiten)\n"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "glucose.csv"


def read(path: Path, text: str) -> Content:
    path.write_text(text)
    content = read_files(path)
    assert content.formats == ["libreview"]
    return content


def test_history_scans_and_strips_are_three_metrics_and_the_rest_is_counted(path: Path) -> None:
    rows = (
        record("13-03-2024 08:00", 0, c4="98")
        + record("13-03-2024 08:00", 1, c5="107")
        + record("13-03-2024 08:02", 2, c14="101")
        + record("13-03-2024 08:03", 3, c15="0.4")
        + record("13-03-2024 08:04", 4, c7="5")
        + record("13-03-2024 08:05", 5, c9="40")
        + record("13-03-2024 08:06", 6, c13="felt dizzy")
    )
    content = read(path, FIRST + HEADER.format(unit="mg/dL") + rows)
    assert content.select("line", "metric", "start", "value", "unit") == [
        (3, "glucose", "2024-03-13T08:00:00", "98", "mg/dL"),
        (4, "glucose_scan", "2024-03-13T08:00:00", "107", "mg/dL"),
        (5, "blood_glucose", "2024-03-13T08:02:00", "101", "mg/dL"),
    ]
    assert set(content.select("device", "serial_number", "model")) == {
        ("FreeStyle Libre 2", "SN-17", "FreeStyle Libre 2")
    }
    assert content.left_out == {"ketones": 1, "insulin": 1, "meals": 1, "notes and events": 1}


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("13-03-2024 08:05", "2024-03-13T08:05:00"),
        ("03-13-2024 08:05 AM", "2024-03-13T08:05:00"),
        ("03-13-2024 12:05 AM", "2024-03-13T00:05:00"),
        ("03-13-2024 12:05 pm", "2024-03-13T12:05:00"),
        ("13/03/2024 8:05", "2024-03-13T08:05:00"),
        ("13.03.2024 08:05", "2024-03-13T08:05:00"),
        ("2024-03-13 08:05", "2024-03-13T08:05:00"),
        ("2024/3/13 20:05", "2024-03-13T20:05:00"),
    ],
)
def test_each_way_to_write_times_is_read(path: Path, time: str, expected: str) -> None:
    content = read(path, HEADER.format(unit="mg/dL") + record(time, 0, c4="98"))
    assert content.select("start") == [(expected,)]


def test_headers_in_german_with_decimal_commas_are_read(path: Path) -> None:
    rows = GERMAN + record("13-03-2024 08:00", 0, c4="5,6") + record("14-03-2024 08:00", 0, c4="HI")
    content = read(path, FIRST.replace(",", ";") + rows.replace(",", ";").replace("5;6", "5,6"))
    assert content.select("value", "unit") == [("5.6", "mmol/L"), ("27.9", "mmol/L")]


def test_a_date_anywhere_in_the_file_proves_the_order_of_day_and_month(path: Path) -> None:
    rows = record("03-04-2024 08:00", 0, c4="98") + record("03-13-2024 08:00", 0, c4="99")
    content = read(path, HEADER.format(unit="mg/dL") + rows)
    assert content.select("start") == [("2024-03-04T08:00:00",), ("2024-03-13T08:00:00",)]


def test_a_file_in_which_no_date_proves_the_order_is_refused(path: Path) -> None:
    content = read(path, HEADER.format(unit="mg/dL") + record("03-04-2024 08:00", 0, c4="98"))
    assert "No date in the file glucose.csv shows whether the day or the month comes first" in str(content.errors[0])


def test_a_file_with_both_orders_is_refused(path: Path) -> None:
    rows = record("13-04-2024 08:00", 0, c4="98") + record("04-13-2024 08:00", 0, c4="98")
    content = read(path, HEADER.format(unit="mg/dL") + rows)
    assert (content.errors[0].line, content.errors[0].value) == (3, "04-13-2024 08:00")


@pytest.mark.django_db
class TestImport:
    @pytest.fixture(autouse=True)
    def _patients(self) -> None:
        factories.medical_record("P1", date_of_birth=date(1950, 1, 1))

    def test_a_reader_becomes_a_device_and_other_records_are_counted(self, path: Path) -> None:
        path.write_text(
            HEADER.format(unit="mg/dL") + record("13-03-2024 08:00", 0, c4="98") + record("13-03-2024 08:01", 6)
        )
        found, errors = run_command(path, patient="P1", zone="Europe/Berlin")
        assert errors == ""
        assert (found["new"], found["devices"], found["left_out"]) == (1, 1, {"notes and events": 1})
        assert Device.objects.get().serial_number == "SN-17"

    def test_the_unit_is_asked_if_no_header_has_one(self, path: Path) -> None:
        path.write_text(HEADER.format(unit="") + record("13-03-2024 08:00", 0, c4="98"))
        assert "--unit glucose=UNIT" in run_command(path, patient="P1", zone="UTC")[1]
        assert run_command(path, patient="P1", zone="UTC", unit=["glucose=mg/dL"])[0]["new"] == 1
        assert ReadingDay.objects.get().small_values == [98]

    def test_impossible_times_and_unknown_kinds_are_reported(self, path: Path) -> None:
        rows = record("31-02-2024 08:00", 0, c4="98") + record("13-03-2024 08:00", 9) + record("13-03-2024 08:01", 0)
        path.write_text(HEADER.format(unit="mg/dL") + rows)
        _, errors = run_command(path, patient="P1", zone="UTC")
        assert "Line 2, start “2024-02-31T08:00:00”: This is not an existing date and time" in errors
        assert "Line 3 “9”: There is no such kind of record." in errors
        assert "Line 4: The row has no value" in errors or "Line 4, value: The row has no value" in errors
