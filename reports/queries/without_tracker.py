from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import Count, Min, Q
from django.db.models.functions import Lower

from healthtrack.core.downloads.responses import stream_rows
from patients.filters.records import Records
from patients.models import MedicalRecord
from trackers.names import find_models_by_name

ORDERS: Mapping[str, str] = {"patient_id": "patient_id", "name": "folded_name", "why": "folded_tracker"}


class Patient(NamedTuple):
    patient_id: str
    name: str
    tracker: str
    folded_tracker: str


class Unlinked(NamedTuple):
    """How many patients have no link to a tracker model, and how many of these reported a tracker."""

    patients: int
    reported: int


@dataclass(frozen=True)
class ReportedName:
    name: str
    folded: str
    patients: int


@dataclass(frozen=True)
class Reasons:
    """Why patients have no tracker: they reported none, or an unknown one, or the link was removed."""

    not_reported: int
    reported: list[ReportedName]
    in_catalogue: set[str]

    @property
    def patients(self) -> int:
        return self.not_reported + sum(name.patients for name in self.reported)

    def get_reason(self, patient: Patient) -> str:
        """Return why this patient has no tracker."""
        if not patient.tracker:
            return "No tracker reported"
        if patient.folded_tracker in self.in_catalogue:
            return f"“{patient.tracker}” is in the catalogue; the link was removed"
        return f"“{patient.tracker}” is not in the catalogue"


def count_unlinked() -> Unlinked:
    """Count all patients without a link to a tracker model."""
    reported = Count("tracker", filter=~Q(tracker=""))
    return Unlinked(**_unlinked(MedicalRecord.objects.order_by()).aggregate(patients=Count("*"), reported=reported))


def count_reasons_without_tracker(records: Records) -> Reasons:
    """Count why these patients have no tracker."""
    rows = _unlinked(records).order_by().values(folded=Lower("tracker"))
    counts = rows.annotate(spelling=Min("tracker"), patients=Count("*")).values_list("spelling", "folded", "patients")
    names = [ReportedName(*row) for row in counts]
    reported = [name for name in names if name.name]
    return Reasons(
        not_reported=sum(name.patients for name in names if not name.name),
        reported=sorted(reported, key=lambda name: (-name.patients, name.folded)),
        in_catalogue={name.lower() for name in find_models_by_name([name.folded for name in reported])},
    )


def patients_without_tracker(records: Records, sort: str) -> Iterator[Patient]:
    """Return all of these patients without a tracker, in this order, read as they are needed."""
    return map(Patient._make, stream_rows(_ordered(_unlinked(records), sort).values_list(*Patient._fields)))


def patients_without_tracker_between(records: Records, sort: str, start: int, stop: int) -> list[Patient]:
    """Return a page of these patients without a tracker, in this order."""
    # An index finds the patients of the page, so that names are read only for them, and not for all before them.
    numbers = _ordered(_unlinked(records), sort).values("pk")[start:stop]
    page = _ordered(MedicalRecord.objects.filter(pk__in=numbers), sort)
    return [Patient(*row) for row in page.values_list(*Patient._fields)]


def _unlinked(records: Records) -> Records:
    # Triggers maintain link_count, and a partial index contains the patients for whom it is 0. An anti-join would give
    # the same result, but reads every link.
    return records.filter(link_count=0)


def _ordered(records: Records, sort: str) -> Records:
    columns = {"folded_name": Lower("name"), "folded_tracker": Lower("tracker")}
    descending = "-" if sort.startswith("-") else ""
    return records.annotate(**columns).order_by(f"{descending}{ORDERS[sort.removeprefix('-')]}", "patient_id")
