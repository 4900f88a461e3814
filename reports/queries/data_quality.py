from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import BigIntegerField, Count, F, Max, Min, Q, QuerySet, Sum
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Lower

from healthtrack.core.replicas.routing import reading
from healthtrack.imports.models import ImportRun, State
from patients.filters.records import RecordFilter, Records
from patients.models import MedicalRecord, MedicalRecordTracker
from reports.queries import is_everybody

# Differences of a count may cancel each other, so they are added up before anything else.
_NAMES = """
WITH counts AS (
    SELECT label, model_ids, sum(patients) AS patients FROM patient_counts
     WHERE what = 'tracker' GROUP BY 1, 2 HAVING sum(patients) > 0
), problems AS (
    SELECT CASE WHEN model_ids <> '{}' THEN 'ambiguous'
                WHEN missing.missing_id IS NULL THEN 'unmatched' ELSE 'missing' END
           AS problem, label, counts.patients
      FROM counts
      LEFT JOIN missing_models AS missing ON lower(missing.name) = lower(label) AND decision = 'dismissed'
     WHERE CASE WHEN model_ids = '{}' THEN label <> ''
                ELSE 1 < (SELECT count(DISTINCT lower(brand_name)) FROM tracker_models
                           WHERE model_id = ANY (model_ids)) END
)
SELECT problem, min(label), sum(patients)::bigint AS patients
  FROM problems GROUP BY problem, lower(label) ORDER BY patients DESC, lower(label)
"""

# A join, because `patient_id IN (SELECT …)` within the count compares each record with each match if there are many.
_DUPLICATES = """
WITH matching AS ({matching}), groups AS (
    SELECT count(matching.patient_id) AS patients
      FROM medical_records LEFT JOIN matching USING (patient_id)
     GROUP BY date_of_birth, lower(name)
    HAVING count(*) > 1 AND count(matching.patient_id) > 0
)
SELECT count(*), coalesce(sum(patients), 0) FROM groups
"""


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


class _NamesToDecide(NamedTuple):
    """The tracker names that need a decision, by the problem that they have."""

    unmatched: list[Name]
    ambiguous: list[Name]
    missing: list[Name]


def data_quality(record_filter: RecordFilter) -> DataQuality:
    """Count what needs a decision among the patients that match the filter."""
    records = record_filter.qs.order_by()
    groups, duplicates = _count_duplicates(records)
    names = _read_names() if is_everybody(records) else _count_names(record_filter, records)
    return DataQuality(
        patients=records.count(),
        unmatched=names.unmatched,
        ambiguous=names.ambiguous,
        missing=names.missing,
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


def _read_names() -> _NamesToDecide:
    """Return the tracker names of all patients, as triggers have counted them."""
    names = _NamesToDecide([], [], [])
    with reading().cursor() as cursor:
        cursor.execute(_NAMES)
        for problem, name, patients in cursor.fetchall():
            getattr(names, problem).append(Name(name, patients))
    return names


def _count_names(record_filter: RecordFilter, records: Records) -> _NamesToDecide:
    return _NamesToDecide(
        unmatched=_names(record_filter.filter_by_links(records, "linked", "undecided")),
        ambiguous=_names(records.filter(link_count__gt=1, pk__in=_patients_with_ambiguous_links())),
        missing=_names(record_filter.filter_by_links(records, "linked", "missing")),
    )


def _names(records: Records) -> list[Name]:
    counts = records.values(folded=Lower("tracker")).annotate(spelling=Min("tracker"), patients=Count("*"))
    return [Name(*row) for row in counts.order_by("-patients", "folded").values_list("spelling", "patients")]


def _patients_with_ambiguous_links() -> QuerySet[MedicalRecordTracker, Any]:
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
    if is_everybody(records):
        groups = MedicalRecord.objects.order_by().values("date_of_birth", folded=Lower("name"))
        found = groups.annotate(records=Count("*")).filter(records__gt=1)
        totals = found.aggregate(groups=Count("*"), patients=Sum("records"))
        return totals["groups"], totals["patients"] or 0
    matching, parameters = records.order_by().values("patient_id").query.sql_with_params()
    with reading().cursor() as cursor:
        cursor.execute(_DUPLICATES.format(matching=matching), parameters)
        row = cursor.fetchone()
    return int(row[0]), int(row[1])
