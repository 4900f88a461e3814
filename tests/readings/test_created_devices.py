"""Devices that the import of a format with serial numbers creates, and that its undo removes."""

from typing import Any

import pytest
from django.db import transaction

from healthtrack.audit.actor import acting_as
from healthtrack.audit.models import Change, reserve_change_id
from readings.devices.attribution import attribute
from readings.devices.created_devices import MAX_SERIAL_NUMBER, ensure_devices, remove_unused_devices
from readings.models import Device, DeviceAssignment, StreamDevice
from tests.support import factories
from tests.support.readings import Reading, streams, undo_run, write_run

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _patients() -> None:
    for number in ("P1", "P2"):
        factories.medical_record(number)


def import_readings(run_id: int, patient: str, source: str, models: dict[str, str] | None = None) -> int:
    """Import one reading as a format with serial numbers does, and return the first change of the run."""
    with transaction.atomic(), acting_as(None, run_id):
        first_change = reserve_change_id()
        of = streams(patient, source)[:1]
        concerned = ensure_devices(models or {})
        write_run(run_id, [[Reading(1, 1_700_006_400_000_000, 70)]], of)
        attribute({patient} | concerned)
    return first_change


def undo(run_id: int, first_change: int) -> int:
    with transaction.atomic(), acting_as(None, run_id + 100):
        undo_run(run_id)
        return remove_unused_devices(run_id, first_change)


def attributed() -> list[Any]:
    found = StreamDevice.objects.order_by("patient_id").values_list("patient_id", "device_id", "decision")
    names: dict[Any, str] = dict(Device.objects.values_list("pk", "serial_number"))
    return [(patient, names.get(device), decision) for patient, device, decision in found]


def test_a_missing_device_is_created_with_the_model_of_its_text() -> None:
    band, alias = factories.tracker_model("Mi", "Band"), factories.tracker_model("Garmin", "Fenix")
    factories.tracker_alias("fenix7", alias)
    import_readings(1, "P1", "s1", {"S1": "Mi Band", "S2": "fenix7", "S3": "Unknown", "S4": ""})
    made = Device.objects.values_list("serial_number", "model", "made_by_run")
    assert set(made) == {("S1", band.pk, 1), ("S2", alias.pk, 1), ("S3", None, 1), ("S4", None, 1)}
    assert attributed() == [("P1", "S1", "serial")]


def test_a_text_that_several_models_have_gives_no_model() -> None:
    for brand in ("Mi", "Honor"):
        factories.tracker_model(brand, "Band")
    ensure_devices({"S1": "Band"})
    assert Device.objects.get().model is None


def test_a_device_that_exists_stays_as_it_is() -> None:
    Device.objects.create(serial_number="S1", label="Ward 3")
    factories.tracker_model("Mi", "Band")
    assert ensure_devices({"s1": "Mi Band"}) == set()
    device = Device.objects.get()
    assert (device.serial_number, device.label, device.model) == ("S1", "Ward 3", None)


def test_a_serial_number_in_two_spellings_is_one_device() -> None:
    ensure_devices({"S1": "", "s1": ""})
    assert Device.objects.count() == 1


@pytest.mark.parametrize("number", ["", " S1", "S" * (MAX_SERIAL_NUMBER + 1)])
def test_a_serial_number_that_no_device_may_have_creates_nothing(number: str) -> None:
    with pytest.raises(ValueError, match="serial number"):
        ensure_devices({"S1": "", number: ""})
    assert not Device.objects.exists()


def test_earlier_readings_of_the_serial_number_are_attributed_as_well() -> None:
    import_readings(1, "P2", "S1")
    assert attributed() == [("P2", None, "open")]
    import_readings(2, "P1", "S1", {"S1": ""})
    assert attributed() == [("P1", "S1", "serial"), ("P2", "S1", "serial")]


def test_undo_removes_the_device_with_a_row_in_the_history() -> None:
    first_change = import_readings(1, "P1", "S1", {"S1": ""})
    assert undo(1, first_change) == 1
    assert not Device.objects.exists()
    assert Change.objects.get(table_name="devices", action="delete").run_id == 101


def test_undo_leaves_a_device_that_is_assigned() -> None:
    first_change = import_readings(1, "P1", "S1", {"S1": ""})
    DeviceAssignment.objects.create(device=Device.objects.get(), patient_id="P1", worn_from="2024-01-01")
    assert undo(1, first_change) == 0
    assert Device.objects.exists()


def test_undo_leaves_a_device_from_which_other_readings_came() -> None:
    first_change = import_readings(1, "P1", "S1", {"S1": ""})
    import_readings(2, "P2", "S1", {"S1": ""})
    assert undo(1, first_change) == 0
    assert attributed() == [("P2", "S1", "serial")]


def test_undo_leaves_a_device_that_somebody_changed() -> None:
    first_change = import_readings(1, "P1", "S1", {"S1": ""})
    Device.objects.update(label="Ward 3")
    assert undo(1, first_change) == 0
    assert Device.objects.get().label == "Ward 3"


def test_undo_leaves_devices_of_other_runs() -> None:
    ensure_devices({"S9": ""})
    import_readings(1, "P1", "S1", {"S1": ""})
    first_change = import_readings(2, "P1", "S2", {"S2": ""})
    assert undo(2, first_change) == 1
    assert set(Device.objects.values_list("serial_number", flat=True)) == {"S1", "S9"}
