"""Records that may belong to one person: the same name, ignoring case, and the same date of birth."""

from datetime import date
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Lower

from patients.models import MedicalRecord

MAX_SHOWN = 10


def find_possible_duplicates(name: str, date_of_birth: date, of: str = "") -> QuerySet[MedicalRecord]:
    """Return the records with this name and date of birth, at most ten, without the record with the number `of`."""
    return _find_alike(name.lower(), date_of_birth).exclude(pk=of)[:MAX_SHOWN]


def find_next_pair(after: str) -> tuple[str, str] | None:
    """Return the numbers of the next two possible duplicates, the first of them above `after`; None at the end."""
    later = _find_alike(Lower(OuterRef("name")), OuterRef("date_of_birth")).filter(pk__gt=OuterRef("pk"))
    first = MedicalRecord.objects.filter(Exists(later), pk__gt=after).order_by("pk").first()
    second = first and _find_alike(first.name.lower(), first.date_of_birth).filter(pk__gt=first.pk).first()
    return (first.pk, second.pk) if first and second else None


def _find_alike(name: Any, date_of_birth: Any) -> QuerySet[MedicalRecord]:
    alike = MedicalRecord.objects.alias(lower_name=Lower("name")).filter(lower_name=name, date_of_birth=date_of_birth)
    return alike.order_by("pk")
