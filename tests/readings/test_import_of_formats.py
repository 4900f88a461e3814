"""The import of files of vendors, from the file to day rows."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from readings.models import Device, DeviceAssignment, Episode, ReadingDay, ReadingStream, StreamDevice
from tests.support import factories
from tests.support.fit_files import begin, seconds
from tests.support.health_connect_files import make_export
from tests.support.reading_imports import counts, run_command

pytestmark = pytest.mark.django_db

NOON = seconds("2024-03-05T12:00:00+00:00")


@pytest.fixture(autouse=True)
def _patients() -> None:
    factories.medical_record("P1", date_of_birth=date(1980, 1, 1))


def test_a_fit_file_becomes_day_rows_once_and_creates_its_device(tmp_path: Path) -> None:
    file = begin().add("monitoring_info", timestamp=NOON, local_timestamp=NOON + 3600)
    file.add("monitoring", timestamp=NOON, heart_rate=72)
    (tmp_path / "1.fit").write_bytes(file.make())
    found, errors = run_command(tmp_path / "1.fit", patient="P1")
    assert (errors, counts(found)) == ("", (1, 0, 0, 0))
    assert ReadingDay.objects.get().utc_offset == 3600
    device = Device.objects.get()
    assert device.serial_number == "3333"
    assert list(StreamDevice.objects.values_list("device_id", flat=True)) == [device.pk]
    assert counts(run_command(tmp_path / "1.fit", patient="P1")[0]) == (0, 0, 1, 0)


def test_a_fit_file_of_unknown_local_time_needs_a_zone_for_its_days(tmp_path: Path) -> None:
    file = begin().add("record", timestamp=seconds("2024-07-05T23:30:00+00:00"), heart_rate=72)
    (tmp_path / "1.fit").write_bytes(file.make())
    assert "In which time zone" in run_command(tmp_path / "1.fit", patient="P1")[1]
    run_command(tmp_path / "1.fit", patient="P1", zone="Europe/Berlin")
    row = ReadingDay.objects.get()
    assert (row.day, row.utc_offset, row.lowest) == (date(2024, 7, 6), 7200, 72)


def test_errors_of_a_format_name_the_record(tmp_path: Path) -> None:
    (tmp_path / "1.fit").write_bytes(begin().add("record", timestamp=99, heart_rate=72).make())
    assert "Record 2" in run_command(tmp_path / "1.fit", patient="P1")[1]


def test_an_export_of_health_connect_goes_to_the_device_that_the_patient_wore(tmp_path: Path) -> None:
    model = factories.tracker_model("Google", "Pixel Watch 2")
    device = Device.objects.create(serial_number="SN1", model=model)
    DeviceAssignment.objects.create(device=device, patient_id="P1", worn_from=date(2024, 1, 1))
    export = make_export(tmp_path / "export.db")
    export.add_instant("weight_record_table", "2024-03-05T08:00:00+01:00", weight=64250.0)
    export.add_interval("sleep_session_record_table", "2024-03-05T23:00:00+01:00", "2024-03-06T06:00:00+01:00")
    export.add_instant("weight_record_table", "2024-03-05T08:00:00+01:00", weight=1e9)
    found, errors = run_command(export.path, patient="P1", skip_unreadable=True)
    assert counts(found) == (1, 0, 0, 1)
    assert "weight_record_table: Row 2, value “1000000000.0”" in errors
    row = ReadingDay.objects.get()
    assert (row.utc_offset, row.lowest, row.value_decimals) == (3600, 64250, 0)
    assert Episode.objects.get().day == date(2024, 3, 6)
    assert device.pk in StreamDevice.objects.values_list("device_id", flat=True)


def test_a_file_without_anything_to_import_says_what_it_holds(tmp_path: Path) -> None:
    zones = [{"dateTime": "03/05/24 00:00:00", "value": {"valuesInZones": {"IN_DEFAULT_ZONE_1": 154.0}}}]
    (tmp_path / "time_in_heart_rate_zones-2024-03-05.json").write_text(json.dumps(zones))
    _, errors = run_command(tmp_path / "time_in_heart_rate_zones-2024-03-05.json", patient="P1", zone="Europe/Berlin")
    assert "not imported, heart rate zones: 1" in errors
    assert "The file holds nothing that can be imported." in errors


def make_observation(code: str, value: float, unit: str, **values: Any) -> dict[str, Any]:
    quantity = {"value": value, "system": "http://unitsofmeasure.org", "code": unit}
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": "Patient/x1"},
        "effectiveDateTime": "2024-03-05T08:00:00+01:00",
        "valueQuantity": quantity,
        **values,
    }


def test_observations_go_to_the_records_and_devices_of_other_files(tmp_path: Path) -> None:
    kind = {"coding": [{"code": "MR"}]}
    patient = {"resourceType": "Patient", "id": "x1", "identifier": [{"type": kind, "value": "P1"}]}
    device = {"resourceType": "Device", "id": "d1", "serialNumber": "SN7"}
    observations = [
        make_observation("8867-4", 72, "/min", device={"reference": "Device/d1"}),
        make_observation("29463-7", 64.5, "kg"),
        make_observation("8867-4", 72, "bpm", effectiveDateTime="2024-02-30"),
    ]
    for name, resources in {"Observation": observations, "Patient": [patient], "Device": [device]}.items():
        (tmp_path / f"{name}.ndjson").write_text("\n".join(map(json.dumps, resources)))
    found, errors = run_command(*sorted(tmp_path.iterdir()), skip_unreadable=True)
    assert counts(found) == (2, 0, 0, 1)
    assert "Observation.ndjson: Resource 3, unit “bpm”" in errors
    assert set(ReadingStream.objects.values_list("patient_id", "source")) == {("P1", "SN7"), ("P1", "")}
    assert Device.objects.get().serial_number == "SN7"


def test_data_points_name_their_patients(tmp_path: Path) -> None:
    body = {
        "heart_rate": {"value": 72, "unit": "beats/min"},
        "effective_time_frame": {"date_time": "2024-03-05T08:00:00+01:00"},
    }
    points = [{"header": {"user_id": number}, "body": body} for number in ("P1", "P9")]
    (tmp_path / "points.json").write_text(json.dumps(points))
    found, errors = run_command(tmp_path / "points.json", skip_unreadable=True)
    assert counts(found) == (1, 0, 0, 1)
    assert "Entry 2, patient_id “P9”: No record has this number" in errors
