from dataclasses import dataclass

from django.db.models import BigIntegerField, Count, F, Max, Min, Q, Sum
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Lower

from healthtrack.imports.models import ImportRun, State
from patients.filters import RecordFilter, Records
from patients.models import MedicalRecord, MedicalRecordTracker
from reports.queries import is_everybody


@dataclass(frozen=True)
class Name:
    """A tracker name that needs a decision, and the number of patients who reported it."""

    name: str
    patients: int


@dataclass(frozen=True)
class DataQuality:
    patients: int
    unmatched: list[Name]
    ambiguous: list[Name]
    missing: list[Name]
    stale: int
    duplicates: int
    duplicate_groups: int


def data_quality(record_filter: RecordFilter) -> DataQuality:
    """Count what needs a decision among the patients that match the filter."""
    records = record_filter.qs.order_by()
    groups, duplicates = _count_duplicates(records)
    return DataQuality(
        patients=records.count(),
        unmatched=_names(record_filter.filter_by_links(records, "linked", "undecided")),
        ambiguous=_names(records.filter(link_count__gt=1, pk__in=_patients_with_ambiguous_links())),
        missing=_names(record_filter.filter_by_links(records, "linked", "missing")),
        stale=record_filter.filter_by_appointment(records, "appointment", "stale").count(),
        duplicates=duplicates,
        duplicate_groups=groups,
    )


def count_combined_rows() -> tuple[int, int]:
    """Return how many duplicate rows imports combined with others, and how many of these were medical records."""
    applied = ImportRun.objects.filter(state=State.APPLIED)
    merged = Cast(KT("result__merged"), BigIntegerField())
    of_patients = Sum(merged, filter=Q(importer=MedicalRecord._meta.label_lower), default=0)
    totals = applied.aggregate(rows=Sum(merged, default=0), of_patients=of_patients)
    return totals["rows"], totals["of_patients"]


def _names(records: Records) -> list[Name]:
    counts = records.values(folded=Lower("tracker")).annotate(spelling=Min("tracker"), patients=Count("*"))
    return [Name(*row) for row in counts.order_by("-patients", "folded").values_list("spelling", "patients")]


def _patients_with_ambiguous_links() -> object:
    """Return the patients whom an import linked to models of several brands; links by staff are decisions."""
    links = MedicalRecordTracker.objects.filter(source=MedicalRecordTracker.Source.IMPORT, patient__link_count__gt=1)
    brands = links.values("patient").annotate(
        first=Min(Lower("model__brand_name")), last=Max(Lower("model__brand_name"))
    )
    return brands.filter(first__lt=F("last")).values("patient")


def _count_duplicates(records: Records) -> tuple[int, int]:
    """Return the number of groups with the same name and date of birth, and of these patients in such a group.

    The other records of a group need not match the filter.
    """
    theirs = Count("*") if is_everybody(records) else Count("patient_id", filter=Q(pk__in=records.values("pk")))
    groups = MedicalRecord.objects.order_by().values("date_of_birth", folded=Lower("name"))
    found = groups.annotate(records=Count("*"), theirs=theirs).filter(records__gt=1, theirs__gt=0)
    totals = found.aggregate(groups=Count("*"), patients=Sum("theirs"))
    return totals["groups"], totals["patients"] or 0
