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
    """A stated tracker, and the patients whom it leaves to be settled."""

    name: str
    patients: int


@dataclass(frozen=True)
class DataQuality:
    patients: int
    unmatched: list[Name]
    shared: list[Name]
    stale: int
    twins: int
    groups_of_twins: int


def data_quality(asked: RecordFilter) -> DataQuality:
    records = asked.qs.order_by()
    groups, twins = _twins(records)
    return DataQuality(
        patients=records.count(),
        unmatched=_names(records.filter(link_count=0).exclude(tracker="")),
        shared=_names(records.filter(link_count__gt=1, pk__in=_linked_to_several_brands())),
        stale=asked.filter_by_appointment(records, "appointment", "stale").count(),
        twins=twins,
        groups_of_twins=groups,
    )


def merged_rows() -> tuple[int, int]:
    """Rows of files that imports took for repeats of others, and those of them that are patients'."""
    applied = ImportRun.objects.filter(state=State.APPLIED)
    merged = Cast(KT("result__merged"), BigIntegerField())
    of_patients = Sum(merged, filter=Q(importer=MedicalRecord._meta.label_lower), default=0)
    totals = applied.aggregate(rows=Sum(merged, default=0), of_patients=of_patients)
    return totals["rows"], totals["of_patients"]


def _names(records: Records) -> list[Name]:
    counts = records.values(folded=Lower("tracker")).annotate(spelling=Min("tracker"), patients=Count("*"))
    return [Name(*row) for row in counts.order_by("-patients", "folded").values_list("spelling", "patients")]


def _linked_to_several_brands() -> object:
    """By import, as a person has decided what staff linked."""
    links = MedicalRecordTracker.objects.filter(source=MedicalRecordTracker.Source.IMPORT, patient__link_count__gt=1)
    brands = links.values("patient").annotate(
        first=Min(Lower("model__brand_name")), last=Max(Lower("model__brand_name"))
    )
    return brands.filter(first__lt=F("last")).values("patient")


def _twins(records: Records) -> tuple[int, int]:
    """Groups of records that agree in name and day of birth, and the patients asked for who stand in one."""
    theirs = Count("*") if is_everybody(records) else Count("patient_id", filter=Q(pk__in=records.values("pk")))
    groups = MedicalRecord.objects.order_by().values("date_of_birth", folded=Lower("name"))
    found = groups.annotate(records=Count("*"), theirs=theirs).filter(records__gt=1, theirs__gt=0)
    totals = found.aggregate(groups=Count("*"), patients=Sum("theirs"))
    return totals["groups"], totals["patients"] or 0
