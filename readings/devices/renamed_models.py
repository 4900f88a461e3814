"""Attribute readings again whenever tracker models are new or renamed, or tracker names resolved, however it happens.

The app of trackers announces it (trackers/model_hooks.py): forms, imports of the catalogue and their undo.
"""

from collections.abc import Sequence

from readings.devices.attribution import attribute, find_patients_of_devices, find_patients_of_names
from readings.models import Device


def attribute_readings_of_names(names: Sequence[str]) -> None:
    attribute(find_patients_of_names(names))


def attribute_readings_of_models(keys: Sequence[int]) -> None:
    """Attribute the readings that the names of these models may concern. Models without devices concern none."""
    devices = list(Device.objects.filter(model__in=keys).select_related("model"))
    if devices:
        names = {name for device in devices if device.model for name in (device.model.model_name, str(device.model))}
        attribute(find_patients_of_names(names) | find_patients_of_devices([device.pk for device in devices]))
