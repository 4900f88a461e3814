"""Links patients when tracker models or settled names change.

Every process connects these receivers and few send the signals: so each receiver imports the linking itself, which
brings polars.
"""

from collections.abc import Sequence
from typing import Any

from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from healthtrack.imports.results import LinkCounts
from trackers.models import TrackerAlias, TrackerModel
from trackers.signals import models_imported


@receiver(post_save, sender=TrackerModel)
def link_patients_of_saved_model(instance: TrackerModel, **_: Any) -> None:
    from patients import linking  # noqa: PLC0415  (see above)

    linking.link_waiting_patients([instance.pk])


@receiver([post_save, post_delete], sender=TrackerAlias)
def relink_patients_of_settled_name(instance: TrackerAlias, **_: Any) -> None:
    from patients import linking  # noqa: PLC0415  (see above)

    linking.relink_names([instance.name])


@receiver(models_imported)
def link_patients_of_imported_models(
    primary_keys: Sequence[int],
    dry_run: bool,
    **_: Any,
) -> LinkCounts:
    from patients import linking  # noqa: PLC0415  (see above)

    counts = linking.count_waiting_patients(primary_keys)
    if not dry_run:
        linking.link_waiting_patients(primary_keys)
    return counts
