"""Tracker names and tracker models that need a decision, and the first import, as tasks on Home."""

from collections.abc import Iterator

from django.core.cache import caches
from django.urls import reverse

from healthtrack.core.attention import Task, TaskSource
from healthtrack.core.permissions import Person, has_all
from patients.linking.tracker_names import (
    Match,
    UnresolvedNames,
    UnresolvedPatients,
    count_unresolved_names,
    count_unresolved_patients,
)
from patients.models import MedicalRecord
from trackers.names import count_requested_models

SECONDS = 60


def _count_names() -> tuple[UnresolvedNames, UnresolvedPatients]:
    """Count the names, and their patients: while the names are the same, these may be a minute old."""
    names = count_unresolved_names()
    patients = caches["reports"].get_or_set(
        f"patients of {names}".replace(" ", "-"), count_unresolved_patients, SECONDS
    )
    return names, patients or count_unresolved_patients()


def _find_names(_: Person, unresolved: tuple[UnresolvedNames, UnresolvedPatients]) -> Iterator[Task]:
    counted, affected = unresolved
    more = " or more" * counted.or_more
    for match, names, patients, problem in (
        (Match.UNMATCHED, counted.unmatched, affected.unmatched, "no model of the catalogue"),
        (Match.AMBIGUOUS, counted.ambiguous, affected.ambiguous, "models of several brands"),
    ):
        if names:
            verb = "matches" if names == 1 and not more else "match"
            noun = "tracker name" if names == 1 and not more else "tracker names"
            yield Task(
                key=f"names-{match.name.lower()}",
                sentence=f"{names:,}{more} {noun} {verb} {problem}.",
                action=f"Resolve {match.name.lower()} names",
                href=f"{reverse('tracker-names:list')}#{match.value}",
                patients=patients,
                facts=str(names),
            )


def _find_requests(_: Person, requested: int) -> Iterator[Task]:
    if requested:
        models = "1 tracker model was" if requested == 1 else f"{requested:,} tracker models were"
        href = f"{reverse('tracker-names:list')}#{Match.UNMATCHED.value}"
        sentence = f"{models} requested for the catalogue."
        yield Task("requested-models", sentence, "Add or decline", href, facts=str(requested))


def _find_start(_: Person, has_patients: bool) -> Iterator[Task]:
    if not has_patients:
        href = reverse("admin:patients_medicalrecord_import")
        yield Task("no-patients", "There are no patients yet.", "Import medical records", href)


SOURCES = [
    TaskSource(
        has_all("trackers.view_trackeralias", "trackers.add_trackeralias", "patients.view_medicalrecord"),
        _find_names,
        _count_names,
    ),
    TaskSource(
        has_all("trackers.view_trackeralias", "trackers.add_trackermodel", "patients.view_medicalrecord"),
        _find_requests,
        count_requested_models,
    ),
    TaskSource(
        has_all("patients.import_medicalrecord", "patients.view_medicalrecord"),
        _find_start,
        MedicalRecord.objects.exists,
    ),
]
