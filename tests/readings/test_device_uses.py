"""Who used a device, as DeviceUseStatement says it, becomes an assignment, which the undo removes."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from healthtrack.audit.models import Change
from healthtrack.imports.models import ImportRun
from readings.models import Device, DeviceAssignment, StreamDevice
from tests.support import factories
from tests.support.reading_imports import run_command, undo
from tests.support.readings import undo_run

pytestmark = pytest.mark.django_db

DEVICE = {"resourceType": "Device", "id": "d1", "serialNumber": "SN1"}
LOINC = "http://loinc.org"


def use(patient: str, start: str | None, end: str | None = None, **values: Any) -> dict[str, Any]:
    """Return a statement that a patient used the device."""
    period = {name: text for name, text in (("start", start), ("end", end)) if text}
    status = {"status": "completed" if end else "active"}
    subject = {"subject": {"reference": f"Patient/{patient}"}, "device": {"reference": "Device/d1"}}
    return {"resourceType": "DeviceUseStatement", **status, **subject, "timingPeriod": period, **values}


def pulse(patient: str, day: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "8867-4"}]},
        "subject": {"reference": f"Patient/{patient}"},
        "device": {"reference": "Device/d1"},
        "effectiveDateTime": f"{day}T08:00:00+01:00",
        "valueQuantity": {"value": 70, "code": "/min"},
    }


def run(path: Path, *resources: dict[str, Any], **options: Any) -> tuple[dict[str, Any], str]:
    path.write_text("".join(f"{json.dumps(each)}\n" for each in resources))
    return run_command(path, **options)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    for number in ("P1", "P2"):
        factories.medical_record(number, date_of_birth=date(1980, 1, 1))
    return tmp_path / "uses.ndjson"


def stored() -> list[tuple[Any, ...]]:
    rows = DeviceAssignment.objects.order_by("worn_from")
    return list(rows.values_list("device__serial_number", "patient_id", "worn_from", "worn_until"))


def counts(found: dict[str, Any]) -> list[int]:
    return [found[f"{name}_assignments"] for name in ("new", "changed", "unchanged")]


def test_a_statement_becomes_an_assignment_and_its_undo_removes_it(path: Path) -> None:
    found, errors = run(path, use("P1", "2024-01-01", "2024-01-31"), DEVICE, pulse("P1", "2024-01-05"))
    assert (errors, counts(found)) == ("", [1, 0, 0])
    assert stored() == [("SN1", "P1", date(2024, 1, 1), date(2024, 2, 1))]
    assert StreamDevice.objects.get().decision == "serial"
    undo(ImportRun.objects.get())
    assert (stored(), Device.objects.count()) == ([], 0)
    deleted = Change.objects.get(table_name="device_assignments", action="delete")
    assert deleted.patient_id == "P1"


def test_an_undo_of_a_run_without_readings_removes_no_streams_and_no_episodes() -> None:
    with CaptureQueriesContext(connection) as queries:
        undo_run(7)
    assert not [each for each in queries if "DELETE FROM reading_streams" in each["sql"]]
    assert not [each for each in queries if "DELETE FROM episodes" in each["sql"]]


def test_the_same_file_again_changes_nothing(path: Path) -> None:
    run(path, DEVICE, use("P1", "2024-01-01"), use("P1", "2024-01-01"))
    found, errors = run(path, DEVICE, use("P1", "2024-01-01"), use("P1", "2024-01-01"))
    assert (errors, counts(found)) == ("", [0, 0, 1])


def test_a_new_end_is_a_change_and_its_undo_restores_the_old_one(path: Path) -> None:
    run(path, DEVICE, use("P1", "2024-01-01"))
    found, errors = run(path, DEVICE, use("P2", "2024-02-01"), use("P1", "2024-01-01", "2024-01-31"))
    assert (errors, counts(found)) == ("", [1, 1, 0])
    assert stored() == [
        ("SN1", "P1", date(2024, 1, 1), date(2024, 2, 1)),
        ("SN1", "P2", date(2024, 2, 1), None),
    ]
    undo(ImportRun.objects.order_by("pk").last())  # type: ignore[arg-type]  # there are two
    assert stored() == [("SN1", "P1", date(2024, 1, 1), None)]


def test_what_somebody_changed_since_stays(path: Path) -> None:
    run(path, DEVICE, use("P1", "2024-01-01"))
    run(path, DEVICE, use("P1", "2024-01-01", "2024-01-31"), use("P2", "2024-02-01"))
    DeviceAssignment.objects.filter(patient_id="P2").update(rank=2)
    undo(ImportRun.objects.order_by("pk")[1])
    assert [each[1:] for each in stored()] == [
        ("P1", date(2024, 1, 1), date(2024, 2, 1)),
        ("P2", date(2024, 2, 1), None),
    ]
    assert ImportRun.objects.order_by("pk")[2].result["left_assignments"] == 2


def test_an_overlap_with_another_patient_is_an_error(path: Path) -> None:
    device = Device.objects.create(serial_number="sn1")
    DeviceAssignment.objects.create(device=device, patient_id="P2", worn_from=date(2024, 1, 20))
    found, errors = run(path, DEVICE, use("P1", "2024-01-01", "2024-01-31"))
    assert (found["unreadable"], len(stored())) == (1, 1)
    assert "Resource 2, worn_from “2024-01-01”: The device is assigned to patient P2" in errors


def test_statements_that_overlap_each_other_are_errors(path: Path) -> None:
    found, errors = run(
        path, DEVICE, use("P1", "2024-01-01"), use("P2", "2024-01-20"), use("P1", "2023-01-01", "2023-02-01")
    )
    assert (found["unreadable"], stored()) == (2, [])
    assert "Another one, at position 3, assigns the device to patient P2" in errors
    found, _ = run(path, *map(json.loads, path.read_text().splitlines()), skip_unreadable=True)
    assert counts(found) == [1, 0, 0]


def test_a_device_changes_hands_on_one_day(path: Path) -> None:
    moments = ("2024-01-01T09:00:00+01:00", "2024-01-20T10:00:00+01:00", "2024-01-20T11:00:00+01:00")
    found, errors = run(path, DEVICE, use("P1", moments[0], moments[1]), use("P2", moments[2]))
    assert (errors, counts(found)) == ("", [2, 0, 0])
    assert [each[1:] for each in stored()] == [
        ("P1", date(2024, 1, 1), date(2024, 1, 20)),
        ("P2", date(2024, 1, 20), None),
    ]
    found, _ = run(path, DEVICE, use("P1", moments[0], moments[1]))
    assert counts(found) == [0, 0, 1]


def test_readings_are_compared_with_the_assignments_of_the_file(path: Path) -> None:
    device = Device.objects.create(serial_number="SN1")
    DeviceAssignment.objects.create(device=device, patient_id="P1", worn_from=date(2024, 1, 1))
    ended = use("P1", "2024-01-01", "2024-01-31")
    found, errors = run(path, pulse("P2", "2024-02-05"), DEVICE, ended, use("P2", "2024-02-01"))
    assert (errors, found["new"]) == ("", 1)
    found, errors = run(path, pulse("P1", "2024-02-06"), DEVICE, ended, use("P2", "2024-02-01"))
    assert "Another patient wore the device" in errors


@pytest.mark.parametrize(
    ("statement", "column", "reason"),
    [
        (use("P1", None), "timingPeriod.start", "Nothing says when the use began"),
        (use("P1", "2024"), "timingPeriod.start", "The date is not complete"),
        (use("P1", "2024-02-30"), "timingPeriod.start", "There is no such date"),
        (use("P1", "2024-02-01", "2024-01-01"), "timingPeriod.end", "The use ends before it begins"),
        (use("P1", "2024-02-01", "9999-12-31"), "timingPeriod.end", "beyond the calendar"),
        (use("P1", "2024-02-01", "2024-02-02T25:00:00Z"), "timingPeriod.end", "There is no such time"),
        (use("P1", "2024-02-01", status="stopped"), "timingPeriod.end", "but nothing says when"),
        (use("P3", "2024-02-01"), "patient_id", "No record has this number"),
    ],
)
def test_statements_that_cannot_be_read(path: Path, statement: dict[str, Any], column: str, reason: str) -> None:
    found, errors = run(path, DEVICE, statement)
    assert (found["unreadable"], stored()) == (1, [])
    assert f"Resource 2, {column}" in errors
    assert reason in errors


def test_other_statements_are_counted(path: Path) -> None:
    found, _ = run(
        path,
        DEVICE,
        {"resourceType": "Device", "id": "d2", "identifier": [{"value": "K2"}]},
        {"resourceType": "Device", "id": "d3"},
        use("P1", "2024-01-01", status="intended"),
        {**use("P1", "2024-01-01"), "timingPeriod": None, "timingDateTime": "2024-01-01"} | {"status": "on-hold"},
        use("P1", "2024-01-01", subject={"reference": "Group/1"}),
        use("P1", "2024-01-01", device={"reference": "Device/d2"}),
        use("P1", "2024-01-01", device={"reference": "Device/d3"}),
        use("P1", "2024-01-01"),
    )
    assert found["left_out"] == {
        "uses of devices with the status intended": 1,
        "uses of devices with the status on-hold": 1,
        "uses of devices about something else than a patient": 1,
        "uses of devices without a serial number": 1,
        "uses of devices that nobody has entered": 1,
    }
    assert counts(found) == [1, 0, 0]


def test_a_device_without_a_serial_number_is_known_by_the_makers_key(path: Path) -> None:
    Device.objects.create(maker_key="K2")
    device = {"resourceType": "Device", "id": "d1", "identifier": [{"value": "k2"}]}
    inner: dict[str, Any] = {"contained": [{**device, "id": "in"}], "device": {"reference": "#in"}}
    found, errors = run(path, device, use("P1", "2024-01-01", "2024-01-31"), use("P2", "2024-02-01", **inner))
    assert (errors, counts(found)) == ("", [2, 0, 0])
