"""Have readings attributed again whenever a tracker name is resolved or a tracker model with devices is renamed.

An import of the catalogue needs no receiver: new models have no devices.
"""

from typing import Any

from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from readings.attribution import attribute, find_patients_of_devices, find_patients_of_names
from readings.models import Device
from trackers.models import TrackerAlias, TrackerModel


@receiver([post_save, post_delete], sender=TrackerAlias)
def attribute_readings_of_name(instance: TrackerAlias, **_: Any) -> None:
    attribute(find_patients_of_names([instance.name]))


@receiver(post_save, sender=TrackerModel)
def attribute_readings_of_model(instance: TrackerModel, **_: Any) -> None:
    if devices := list(Device.objects.filter(model=instance).values_list("pk", flat=True)):
        names = [instance.model_name, str(instance)]
        attribute(find_patients_of_names(names) | find_patients_of_devices(devices))
