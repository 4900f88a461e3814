"""Have patients linked again whenever a tracker model or a resolved name is saved or deleted, wherever that happens.

Signals are needed for this, and not `save` and `delete` alone: `loaddata` and the deletion of a queryset call neither.
"""

from typing import Any

from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from trackers import model_hooks
from trackers.models import TrackerAlias, TrackerModel


@receiver(post_save, sender=TrackerModel)
def link_patients_of_saved_model(instance: TrackerModel, **_: Any) -> None:
    model_hooks.announce_models([instance.pk])


@receiver([post_save, post_delete], sender=TrackerAlias)
def relink_patients_of_resolved_name(instance: TrackerAlias, **_: Any) -> None:
    model_hooks.announce_names([instance.name])
