from collections.abc import Sequence
from typing import Any

from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from healthtrack.imports.results import LinkCounts
from patients.linking import count_waiting_patients, link_waiting_patients, relink_names
from trackers.models import TrackerAlias, TrackerModel
from trackers.signals import models_imported


@receiver(post_save, sender=TrackerModel)
def link_patients_of_saved_model(instance: TrackerModel, **_: Any) -> None:
    link_waiting_patients([instance.pk])


@receiver([post_save, post_delete], sender=TrackerAlias)
def relink_patients_of_settled_name(instance: TrackerAlias, **_: Any) -> None:
    relink_names([instance.name])


@receiver(models_imported)
def link_patients_of_imported_models(
    primary_keys: Sequence[int],
    dry_run: bool,
    **_: Any,
) -> LinkCounts:
    counts = count_waiting_patients(primary_keys)
    if not dry_run:
        link_waiting_patients(primary_keys)
    return counts
