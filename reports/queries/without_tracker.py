from collections.abc import Iterator
from typing import NamedTuple

from django.db.models import QuerySet

from patients.models import MedicalRecord


class Patient(NamedTuple):
    patient_id: str
    name: str


def count_patients_without_tracker() -> int:
    return _unlinked().count()


def patients_without_tracker() -> Iterator[Patient]:
    rows = _unlinked().values_list("patient_id", "name").iterator()
    return map(Patient._make, rows)


def patients_without_tracker_between(start: int, stop: int) -> list[Patient]:
    # The index alone finds the page's patients; the names are then read of these, and not of all those before.
    page = MedicalRecord.objects.filter(pk__in=_unlinked().values("pk")[start:stop])
    return [Patient(*row) for row in page.order_by("patient_id").values_list("patient_id", "name")]


def _unlinked() -> QuerySet[MedicalRecord]:
    # The triggers keep link_count true, and a partial index holds the patients where it is 0: the anti-join that
    # would say the same reads every link.
    return MedicalRecord.objects.filter(link_count=0).order_by("patient_id")
