"""Conditions on the links between patients and tracker models."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Exists, F, Max, Min, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Lower

from patients.models import MedicalRecordTracker
from trackers.models import MissingModel, TrackerModel

LINK_CHOICES = [
    ("some", "Some"),
    ("none", "None"),
    ("brands", "Ambiguous (several brands)"),
    ("unstated", "No tracker reported"),
    ("unmatched", "No match for the reported tracker"),
    ("undecided", "No match, without a decision"),
    ("missing", "No match: not in the catalogue"),
]


def is_linked(value: str) -> Q:
    """Return the condition for one of `LINK_CHOICES`."""
    unlinked = Q(link_count=0)
    unmatched = unlinked & ~Q(tracker="")
    conditions = {
        "some": Q(link_count__gt=0),
        "none": unlinked,
        "brands": Q(Exists(_ambiguous_links()), link_count__gt=1),
        "unstated": Q(unlinked, tracker=""),
        "unmatched": unmatched,
        "undecided": unmatched & ~Q(Exists(_dismissals())),
        "missing": unmatched & Q(Exists(_dismissals())),
    }
    return conditions[value]


def is_linked_to(column: Lower, values: Sequence[str]) -> Exists:
    """Return whether a patient is linked to a model that has one of the values in the column."""
    models = TrackerModel.objects.alias(folded=column).filter(folded__in=[Lower(Value(value)) for value in values])
    return Exists(get_links().filter(model__in=models.values("pk")))


def get_links() -> QuerySet[MedicalRecordTracker]:
    """Return the links of the patient of an outer query."""
    return MedicalRecordTracker.objects.filter(patient=OuterRef("pk"))


def _dismissals() -> QuerySet[MissingModel]:
    """Return the decisions that the record's reported tracker is not in the catalogue."""
    dismissed = MissingModel.objects.filter(decision=MissingModel.Decision.DISMISSED)
    return dismissed.alias(folded=Lower("name")).filter(folded=Lower(OuterRef("tracker")))


def _ambiguous_links() -> QuerySet[MedicalRecordTracker, Any]:
    """Return the patients whom an import linked to models of several brands.

    Links that staff made do not count: those are a person's decision.
    """
    by_import = get_links().filter(source=MedicalRecordTracker.Source.IMPORT).order_by().values("patient")
    brand = Lower("model__brand_name")
    return by_import.annotate(first_brand=Min(brand), last_brand=Max(brand)).filter(first_brand__lt=F("last_brand"))
