"""Whether a patient's readings may be stored and shown: the latest entry decides, and without one they may."""

import datetime
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from readings.models import Consent


class ConsentError(Exception):
    """An entry that cannot be stored; the message is for people."""


def list_consents(patient: str) -> Sequence[Consent]:
    """Return the entries of a patient, the latest first."""
    return list(Consent.objects.filter(patient=patient).select_related("recorded_by").order_by("-since"))


def has_withdrawn(consents: Sequence[Consent]) -> bool:
    """Return whether the latest entry is a withdrawal."""
    return bool(consents) and not consents[0].is_given


@transaction.atomic
def record_consent(patient: str, since: datetime.date, *, is_given: bool, person: int | None) -> None:
    """Record that the patient consents from this day on, or no longer. A second decision of a day replaces the first.

    Raise ConsentError if a later entry would still decide.
    """
    latest = Consent.objects.select_for_update().filter(patient=patient).order_by("-since").first()
    if latest and latest.since > since:
        raise ConsentError(
            f"An entry of {latest.since:%Y-%m-%d} is later, and decides. Choose that day or a later one."
        )
    if latest and latest.since == since:
        latest.is_given, latest.recorded_by_id, latest.recorded_at = is_given, person, timezone.now()
        latest.save(update_fields=["is_given", "recorded_by", "recorded_at"])
    else:
        Consent.objects.create(patient_id=patient, since=since, is_given=is_given, recorded_by_id=person)
