from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import Count, Min
from django.db.models.functions import Lower

from patients.filters import Records
from patients.models import MedicalRecord
from trackers.names import find_models_by_name

ORDERS: Mapping[str, str] = {"patient_id": "patient_id", "name": "folded_name", "why": "folded_tracker"}


class Patient(NamedTuple):
    patient_id: str
    name: str
    tracker: str
    folded_tracker: str


@dataclass(frozen=True)
class StatedName:
    name: str
    folded: str
    patients: int


@dataclass(frozen=True)
class Reasons:
    """Why patients have no tracker: they state none, or one that the catalogue lacks, or the link was removed."""

    unstated: int
    stated: list[StatedName]
    in_catalogue: set[str]

    @property
    def patients(self) -> int:
        return self.unstated + sum(name.patients for name in self.stated)

    def of(self, patient: Patient) -> str:
        if not patient.tracker:
            return "No tracker stated"
        if patient.folded_tracker in self.in_catalogue:
            return f"“{patient.tracker}” is in the catalogue; the link was removed"
        return f"“{patient.tracker}” is not in the catalogue"


def count_patients_without_tracker() -> int:
    return _unlinked(MedicalRecord.objects.all()).count()


def why_without_tracker(records: Records) -> Reasons:
    rows = _unlinked(records).order_by().values(folded=Lower("tracker"))
    counts = rows.annotate(spelling=Min("tracker"), patients=Count("*")).values_list("spelling", "folded", "patients")
    names = [StatedName(*row) for row in counts]
    stated = [name for name in names if name.name]
    return Reasons(
        unstated=sum(name.patients for name in names if not name.name),
        stated=sorted(stated, key=lambda name: (-name.patients, name.folded)),
        in_catalogue={name.lower() for name in find_models_by_name([name.folded for name in stated])},
    )


def patients_without_tracker(records: Records, sort: str) -> Iterator[Patient]:
    return map(Patient._make, _ordered(_unlinked(records), sort).values_list(*Patient._fields).iterator())


def patients_without_tracker_between(records: Records, sort: str, start: int, stop: int) -> list[Patient]:
    # The index alone finds the page's patients; the names are then read of these, and not of all those before.
    numbers = _ordered(_unlinked(records), sort).values("pk")[start:stop]
    page = _ordered(MedicalRecord.objects.filter(pk__in=numbers), sort)
    return [Patient(*row) for row in page.values_list(*Patient._fields)]


def _unlinked(records: Records) -> Records:
    # The triggers keep link_count true, and a partial index holds the patients where it is 0: the anti-join that
    # would say the same reads every link.
    return records.filter(link_count=0)


def _ordered(records: Records, sort: str) -> Records:
    columns = {"folded_name": Lower("name"), "folded_tracker": Lower("tracker")}
    descending = "-" if sort.startswith("-") else ""
    return records.annotate(**columns).order_by(f"{descending}{ORDERS[sort.removeprefix('-')]}", "patient_id")
