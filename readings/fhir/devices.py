"""Devices and assignments as resources of FHIR R4, for exports of records."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from patients.fhir.writing import Resource, make_id, refer_to_patient
from readings.models import Device, DeviceAssignment


def make_devices(numbers: Sequence[str]) -> Mapping[str, Iterable[Resource]]:
    """Return the devices that these patients wore, and when, by patient number."""
    found: dict[str, list[Resource]] = {}
    assignments = DeviceAssignment.objects.filter(patient__in=numbers).select_related("device__model")
    for assignment in assignments.order_by("worn_from", "pk"):
        resources = (_make_device(assignment.device), _make_assignment(assignment))
        found.setdefault(assignment.patient_id, []).extend(resources)
    return found


def _make_device(device: Device) -> Resource:
    resource: Resource = {"resourceType": "Device", "id": make_id("Device", device.pk)}
    if device.maker_key:
        resource["identifier"] = [{"use": "usual", "value": device.maker_key}]
    if device.serial_number:
        resource["serialNumber"] = device.serial_number
    names = [{"name": device.label, "type": "user-friendly-name"}] if device.label else []
    if device.model:
        resource["manufacturer"] = device.model.brand_name
        names.append({"name": device.model.model_name, "type": "model-name"})
    return {**resource, "deviceName": names} if names else resource


def _make_assignment(assignment: DeviceAssignment) -> Resource:
    period = {"start": assignment.worn_from.isoformat()}
    if assignment.worn_until:  # the first day without it; FHIR has the last day with it
        period["end"] = (assignment.worn_until - timedelta(days=1)).isoformat()
    return {
        "resourceType": "DeviceUseStatement",
        "id": make_id("DeviceUseStatement", assignment.pk),
        "status": "completed" if assignment.worn_until else "active",
        "subject": refer_to_patient(assignment.patient_id),
        "timingPeriod": period,
        "device": {"reference": f"Device/{make_id('Device', assignment.device_id)}"},
    }
