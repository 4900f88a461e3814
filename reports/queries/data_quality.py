from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import BigIntegerField, Count, Min, Q, QuerySet, Sum
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Lower

from healthtrack.core.replicas.routing import reading
from healthtrack.imports.models import ImportRun, State
from patients.filters.records import RecordFilter, Records
from patients.models import MedicalRecord
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

# Brands are compared by number, because comparing texts in the order of a language takes several times as long.
_AMBIGUOUS = """
WITH brands AS MATERIALIZED (
    SELECT model_id, dense_rank() OVER (ORDER BY lower(brand_name)) AS brand FROM tracker_models
), matching AS MATERIALIZED ({matching}), ambiguous AS (
    SELECT patient_id
      FROM matching JOIN medical_record_and_trackers USING (patient_id) JOIN brands USING (model_id)
     WHERE source = 'import'
     GROUP BY 1
    HAVING min(brand) < max(brand)
)
SELECT min(tracker), count(*) AS patients
  FROM matching JOIN ambiguous USING (patient_id)
 GROUP BY lower(tracker) ORDER BY patients DESC, lower(tracker)
"""

# OFFSET 0 makes the database look for each group in the index, and not compare all names a second time.
_DUPLICATES = """
SELECT patient_id, number
  FROM (SELECT date_of_birth, lower(name) AS folded, row_number() OVER () AS number
          FROM medical_records GROUP BY 1, 2 HAVING count(*) > 1) AS groups,
       LATERAL (SELECT patient_id FROM medical_records AS record
                 WHERE lower(record.name) = folded AND record.date_of_birth = groups.date_of_birth OFFSET 0) AS alike
 LIMIT %s
"""
_COUNT_FOUND = """
SELECT count(DISTINCT number), count(*)
  FROM unnest(%s::text[], %s::bigint[]) AS found (patient_id, number) JOIN ({matching}) AS matching USING (patient_id)
"""
# A join, because `patient_id IN (SELECT …)` within the count compares each record with each match if there are many.
_COUNT_DUPLICATES = """
WITH matching AS ({matching}), groups AS (
    SELECT count(matching.patient_id) AS patients
      FROM medical_records LEFT JOIN matching USING (patient_id)
     GROUP BY date_of_birth, lower(name)
    HAVING count(*) > 1 AND count(matching.patient_id) > 0
)
SELECT count(*), coalesce(sum(patients), 0) FROM groups
"""
MAX_DUPLICATES = 50_000  # more are not remembered, but counted again with each filter


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


@dataclass(frozen=True)
class Duplicates:
    """All patients with the same name and date of birth as another one, and the number of the group of each.

    Both are None if there are more than MAX_DUPLICATES.
    """

    patients: list[str] | None
    groups: list[int] | None


class _NamesToDecide(NamedTuple):
    """The tracker names that need a decision, by the problem that they have."""

    unmatched: list[Name]
    ambiguous: list[Name]
    missing: list[Name]


def find_duplicates() -> Duplicates:
    """Find all possible duplicates: comparing all names takes longer than the other counts together."""
    with reading().cursor() as cursor:
        cursor.execute(_DUPLICATES, [MAX_DUPLICATES + 1])
        rows = cursor.fetchall()
    if len(rows) > MAX_DUPLICATES:
        return Duplicates(None, None)
    return Duplicates([patient for patient, _ in rows], [group for _, group in rows])


def data_quality(record_filter: RecordFilter, duplicates: Duplicates) -> DataQuality:
    """Count what needs a decision among the patients that match the filter.

    `duplicates` is what `find_duplicates` returned for the same state of the data.
    """
    records = record_filter.qs.order_by()
    groups, of_groups = _count_duplicates(records, duplicates)
    names = _read_names() if is_everybody(records) else _count_names(record_filter, records)
    return DataQuality(
        patients=records.count(),
        unmatched=names.unmatched,
        ambiguous=names.ambiguous,
        missing=names.missing,
        stale=record_filter.filter_by_appointment(records, "appointment", "stale").count(),
        duplicates=of_groups,
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
        ambiguous=_count_ambiguous_names(records),
        missing=_names(record_filter.filter_by_links(records, "linked", "missing")),
    )


def _names(records: Records) -> list[Name]:
    counts = records.values(folded=Lower("tracker")).annotate(spelling=Min("tracker"), patients=Count("*"))
    return [Name(*row) for row in counts.order_by("-patients", "folded").values_list("spelling", "patients")]


def _count_ambiguous_names(records: Records) -> list[Name]:
    """Count the patients whom an import linked to models of several brands; links by staff are decisions."""
    several = records.filter(link_count__gt=1)
    return [Name(*row) for row in _query(_AMBIGUOUS, several.values("patient_id", "tracker"))]


def _count_duplicates(records: Records, duplicates: Duplicates) -> tuple[int, int]:
    """Return the number of groups with the same name and date of birth, and of these patients in such a group.

    The other records of a group need not match the filter.
    """
    if duplicates.patients is None or duplicates.groups is None:
        (row,) = _query(_COUNT_DUPLICATES, records.values("patient_id"))
    elif is_everybody(records):
        row = len(set(duplicates.groups)), len(duplicates.patients)
    else:
        (row,) = _query(_COUNT_FOUND, records.values("patient_id"), duplicates.patients, duplicates.groups)
    return int(row[0]), int(row[1])


def _query(statement: str, matching: QuerySet[Any, Any], *parameters: list[Any]) -> list[tuple[Any, ...]]:
    """Return the rows of a statement about these records; its parameters precede those of the records."""
    sql, values = matching.order_by().query.sql_with_params()
    with reading().cursor() as cursor:
        cursor.execute(statement.format(matching=sql), [*parameters, *values])
        return list(cursor.fetchall())
