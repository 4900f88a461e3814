"""Records that may belong to one person: the same name, ignoring case, and the same date of birth."""

from datetime import date

from django.db.models import QuerySet
from django.db.models.functions import Lower

from patients.models import MedicalRecord

MAX_SHOWN = 10


def find_possible_duplicates(name: str, date_of_birth: date, of: str = "") -> QuerySet[MedicalRecord]:
    """Return the records with this name and date of birth, at most ten, without the record with the number `of`."""
    same = MedicalRecord.objects.alias(lower_name=Lower("name")).filter(lower_name=name.lower())
    return same.filter(date_of_birth=date_of_birth).exclude(pk=of)[:MAX_SHOWN]
