"""Devices and their assignments as files: references, overlaps, attribution of readings, undo and export."""

import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import transaction

from healthtrack.audit.models import Access
from healthtrack.imports.life_cycle import runs, steps
from healthtrack.imports.life_cycle.import_at_once import import_at_once
from healthtrack.imports.life_cycle.steps import no_progress
from healthtrack.imports.models import ImportRun, State
from readings.devices.attribution import attribute
from readings.models import Device, DeviceAssignment, StreamDevice
from readings.resources import DeviceAssignmentResource
from tests.support import factories
from tests.support.import_files import Kind
from tests.support.import_pages import upload
from tests.support.page import Page
from tests.support.readings import Reading, streams, write_run
from tests.support.signing_in import AsRole

pytestmark = pytest.mark.django_db

DEVICES = "Tracker Model,Serial Number,Maker's Key,Label\n"
ASSIGNMENTS = "serial_number,patient_id,worn_from,worn_until,rank\n"
NOON = 1_709_640_000_000_000  # of 5 March 2024


@pytest.fixture(autouse=True)
def _patients() -> None:
    for number in ("P1", "P2"):
        factories.medical_record(number)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file.csv"


def import_rows(kind: str, file: Path, *rows: str) -> tuple[dict[str, Any], str]:
    """Import a file of these rows, and return the counts and what the command says about errors."""
    header = {"devices": DEVICES, "device_assignments": ASSIGNMENTS}[kind]
    file.write_text(header + "".join(f"{row}\n" for row in rows))
    out, errors = io.StringIO(), io.StringIO()
    try:
        call_command(f"import_{kind}", file, json=True, stdout=out, stderr=errors)
    except CommandError as error:
        errors.write(str(error))
    return json.loads(out.getvalue() or "{}"), errors.getvalue()


def undo(run_id: int) -> ImportRun:
    with transaction.atomic():
        request = runs.request_undo(ImportRun.objects.get(pk=run_id), User.objects.get_or_create(username="ada")[0])
    assert request is not None
    steps.apply(request, [], no_progress)
    return request


def stored_devices() -> set[tuple[str, str, str, str]]:
    found = Device.objects.select_related("model")
    return {(str(each.model or ""), each.serial_number, each.maker_key, each.label) for each in found}


def stored_assignments() -> list[tuple[str, str, date, date | None]]:
    columns = ("device__serial_number", "patient_id", "worn_from", "worn_until")
    return list(DeviceAssignment.objects.order_by("device", "worn_from").values_list(*columns))


def attributed() -> list[tuple[str, str]]:
    names: dict[Any, str] = dict(Device.objects.values_list("pk", "serial_number"))
    found = StreamDevice.objects.order_by("patient_id", "starts_at").values_list("patient_id", "device_id")
    return [(patient, names.get(device, "")) for patient, device in found]


def test_devices_are_added_changed_and_left(file: Path) -> None:
    band = factories.tracker_model("Xiaomi", "Band 2")
    factories.tracker_alias("My band", band)
    Device.objects.create(serial_number="S1", label="Old")
    found, errors = import_rows(
        "devices", file, "Xiaomi Band 2,s1,,Ward 3", ",S2,,", "my band,,KEY-3,", "None,S4,,Ward 4"
    )
    assert errors == ""
    assert (found["new"], found["changed"], found["unchanged"]) == (3, 1, 0)
    assert stored_devices() == {
        ("Xiaomi Band 2", "S1", "", "Ward 3"),
        ("", "S2", "", ""),
        ("Xiaomi Band 2", "", "KEY-3", ""),
        ("", "S4", "", "Ward 4"),
    }
    found, _ = import_rows("devices", file, "Xiaomi Band 2,S1,,Ward 3", ",S2,,")
    assert (found["new"], found["changed"], found["unchanged"]) == (0, 0, 2)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["Fenix,S2,,"], "Line 2, Tracker Model “Fenix”: The catalogue has no such tracker model."),
        (["Band 2,S2,,"], "Line 2, Tracker Model “Band 2”: Several tracker models have this name."),
        ([",,,Ward 3"], "Line 2, Serial Number: Enter a serial number or the maker's key."),
        (["," + "S" * 101 + ",,"], "Longer than 100 characters."),
        ([",4.5E+11,,"], "Enter all of its digits as text."),
        ([",S1,K1,"], "Line 2, Serial Number “S1”: Also the serial number of a device that is stored"),
        ([",S2,K2,", ",S3,k2,"], "Line 3, Maker's Key “k2”: Also the maker's key of line 2 of the file"),
        ([",S2,,A", ",s2,,B"], "Line 3, Serial Number “S2”: Also in line 2, with a different Label. Keep one row."),
    ],
)
def test_bad_rows_of_devices_are_reported(file: Path, rows: list[str], words: str) -> None:
    for brand in ("Xiaomi", "Honor"):
        factories.tracker_model(brand, "Band 2")
    Device.objects.create(serial_number="S1")
    _, errors = import_rows("devices", file, *rows)
    assert words in errors
    assert Device.objects.count() == 1


def test_a_handover_on_one_day_is_imported_even_if_it_ends_a_stored_assignment(file: Path) -> None:
    device = Device.objects.create(serial_number="S1")
    DeviceAssignment.objects.create(device=device, patient_id="P1", worn_from="2024-03-01")
    found, errors = import_rows("device_assignments", file, "s1,P2,2024-05-10,,1", "S1,P1,2024-03-01,2024-05-10,1")
    assert errors == ""
    assert (found["new"], found["changed"]) == (1, 1)
    first, second = ("S1", "P1", date(2024, 3, 1)), ("S1", "P2", date(2024, 5, 10), None)
    assert stored_assignments() == [(*first, date(2024, 5, 10)), second]
    undo(found["run"])
    assert stored_assignments() == [(*first, None)]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["S9,P1,2024-03-01,,1"], "Line 2, serial_number “S9”: No device has this serial number."),
        (["S1,P9,2024-03-01,,1"], "Line 2, patient_id “P9”: No record has this number."),
        (["S1,,2024-03-01,,1"], "Line 2, patient_id: A value is required."),
        (["S1,P1,2024-03-01,2024-03-01,1"], "Line 2, worn_until “2024-03-01”: Not after the day"),
        (["S1,P1,2024-03-01,,0"], "Line 2, rank “0”: Must be at least 1."),
        (["S1,P1,2024-02-30,,1"], "Line 2, worn_from “2024-02-30”: Not a valid date."),
        (
            ["S1,P2,2024-01-10,,1"],
            "Line 2, worn_from “2024-01-10”: The device is assigned to patient P1, from 2024-01-01 until 2024-02-01.",
        ),
        (
            ["S1,P1,2024-03-01,,1", "S1,P2,2024-05-10,,1"],
            "Line 3, worn_from “2024-05-10”: Line 2 assigns the device to patient P1, from 2024-03-01 with no end.",
        ),
    ],
)
def test_bad_rows_of_assignments_are_reported(file: Path, rows: list[str], words: str) -> None:
    device = Device.objects.create(serial_number="S1")
    DeviceAssignment.objects.create(device=device, patient_id="P1", worn_from="2024-01-01", worn_until="2024-02-01")
    _, errors = import_rows("device_assignments", file, *rows)
    assert words in errors
    assert DeviceAssignment.objects.count() == 1


def test_an_assignment_that_somebody_entered_after_the_check_ends_the_import(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = Device.objects.create(serial_number="S1")
    file.write_text(ASSIGNMENTS + "S1,P1,2024-03-01,,1\n")
    apply = steps.apply

    def enter_first(*args: Any) -> None:
        DeviceAssignment.objects.create(device=device, patient_id="P2", worn_from="2024-04-01")
        apply(*args)

    monkeypatch.setattr("healthtrack.imports.life_cycle.import_at_once.apply", enter_first)
    run = import_at_once("readings.deviceassignment", [file])
    assert (run.state, run.reason) == (State.FAILED, "collision")
    assert [patient for _, patient, *_ in stored_assignments()] == ["P2"]


def write_reading(patient: str, source: str) -> None:
    write_run(1 if patient == "P1" else 2, [[Reading(1, NOON, 70)]], streams(patient, source)[:1])
    attribute([patient])


def test_readings_are_attributed_again_when_assignments_are_imported_and_undone(file: Path) -> None:
    Device.objects.create(serial_number="S1", model=factories.tracker_model("Xiaomi", "Band 2"))
    write_reading("P1", "Xiaomi Band 2")
    assert attributed() == [("P1", "")]
    found, _ = import_rows("device_assignments", file, "S1,P1,2024-03-01,,1")
    assert attributed() == [("P1", "S1")]
    undo(found["run"])
    assert attributed() == [("P1", "")]


def test_readings_are_attributed_again_when_devices_are_imported_and_undone(file: Path) -> None:
    write_reading("P1", "s1")
    found, _ = import_rows("devices", file, ",S1,,")
    assert attributed() == [("P1", "S1")]
    undo(found["run"])
    assert attributed() == [("P1", "")]


def test_undo_leaves_a_device_that_a_person_decided_readings_came_from(file: Path) -> None:
    write_reading("P1", "Watch")
    found, _ = import_rows("devices", file, ",S1,,", ",S2,,")
    device = Device.objects.get(serial_number="S1")
    StreamDevice.objects.update(device_id=device.pk, decision="person")
    assert undo(found["run"]).result["tables"]
    assert [number for _, number, *_ in stored_devices()] == ["S1"]


def test_undo_leaves_an_assignment_whose_former_end_would_overlap_a_newer_one(file: Path) -> None:
    device = Device.objects.create(serial_number="S1")
    DeviceAssignment.objects.create(device=device, patient_id="P1", worn_from="2024-03-01")
    found, _ = import_rows("device_assignments", file, "S1,P1,2024-03-01,2024-05-10,1")
    DeviceAssignment.objects.create(device=device, patient_id="P2", worn_from="2024-06-01")
    before = stored_assignments()
    undo(found["run"])
    assert stored_assignments() == before


def test_both_exports_can_be_imported_again(as_role: AsRole, file: Path) -> None:
    model = factories.tracker_model("Xiaomi", "Band 2")
    device = Device.objects.create(serial_number="S1", model=model, label="=Ward")
    Device.objects.create(maker_key="K1")
    DeviceAssignment.objects.create(device=device, patient_id="P1", worn_from="2024-03-01", worn_until="2024-04-01")
    client = as_role("Analyst")
    for model_name in ("device", "deviceassignment"):
        response = client.post(f"/admin/readings/{model_name}/export/", {"format": "0"})
        file.write_bytes(b"".join(response.streaming_content))  # type: ignore[attr-defined]  # a streamed response
        run = import_at_once(f"readings.{model_name}", [file])
        assert (run.state, run.read_count, run.error_count) == (State.APPLIED, 2 - (model_name != "device"), 0)
        assert run.affected_count == 0
    assert Access.objects.latest("pk").file_patients == ["P1"]


def test_the_preview_shows_names_and_records_the_patients(as_role: AsRole, file: Path) -> None:
    client = as_role("Data steward")
    device = Device.objects.create(serial_number="S1")
    DeviceAssignment.objects.create(device=device, patient_id="P1", worn_from="2024-03-01")
    file.write_text(ASSIGNMENTS + "s1,P1,2024-03-01,2024-05-10,2\nS1,P2,2024-05-10,,1\n")
    row = dict.fromkeys(DeviceAssignmentResource.Meta.fields, "")
    kind = Kind(DeviceAssignmentResource, "readings/deviceassignment", row, "device")
    response = upload(client, kind, file)
    cells = Page.of(response).texts("td")
    assert {"S1", "P1"} <= {cell.strip() for cell in cells}
    assert "P1" in Access.objects.latest("pk").patient_ids


def test_each_list_offers_the_import_and_the_export(as_role: AsRole) -> None:
    client = as_role("Administrator")
    for model_name in ("device", "deviceassignment"):
        addresses = Page.of(client.get(f"/admin/readings/{model_name}/")).addresses("ul.object-tools a")
        assert f"/admin/readings/{model_name}/export/?" in addresses
        assert any(address.endswith(f"/upload/readings.{model_name}/") for address in addresses), addresses


class TestWhatIsNoDevice:
    @pytest.mark.parametrize("serial", ["Total", "Total:", "Summe: 3", "Grand total", "* not yet assigned", "TBD", "?"])
    def test_a_total_and_a_note_are_errors(self, file: Path, serial: str) -> None:
        _, errors = import_rows("devices", file, f",{serial},,")
        assert "Looks like a note or a total, and not like the number of a device." in errors
        assert stored_devices() == set()

    @pytest.mark.parametrize("serial", ["Watch of Anna (Watch2,4)", "Totalia-1", "SUM7"])
    def test_other_names_are_not(self, file: Path, serial: str) -> None:
        import_rows("devices", file, f',"{serial}",,')
        assert stored_devices() == {("", serial, "", "")}

    def test_an_inventory_number_that_a_spreadsheet_shortened_is_an_error(self, file: Path) -> None:
        _, errors = import_rows("devices", file, ",SN1,,4.70122E+12")
        assert "A spreadsheet has shortened or changed this number." in errors

    def test_an_end_that_means_never_is_an_error(self, file: Path) -> None:
        Device.objects.create(serial_number="SN1")
        _, errors = import_rows("device_assignments", file, "SN1,P1,2024-03-01,9999-12-31,1")
        assert "Leave it empty if nobody knows when the assignment ends." in errors
