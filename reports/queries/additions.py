"""How many of the patients of today were added on each day, also by what they have today.

Records that do not exist any more do not count, because no filter applies to them. `patients.filters.added` says which
time counts.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from django.utils import timezone

from healthtrack.core.replicas.routing import reading
from patients.filters.records import Records

_ADDED = """
WITH inserted AS (
    SELECT patient_id, max(changed_at) AS at
      FROM changes WHERE table_name = 'medical_records' AND action = 'insert'
     GROUP BY 1
), counted AS (
    SELECT (coalesce(run.finished_at, inserted.at) AT TIME ZONE %s)::date AS day, {value} AS value, {count} AS patients
      FROM ({records}) AS record
           LEFT JOIN import_runs AS run ON run.run_id = made_by_run
           LEFT JOIN inserted ON made_by_run IS NULL AND inserted.patient_id = record.patient_id
           {links}
     GROUP BY 1, 2
)
"""
_AS_THEY_ARE = "SELECT day, value, value, patients FROM counted"
# Split as the filter by condition does: ignoring case and blanks around the commas.
_BY_TERM = r"""
SELECT day, folded, min(spelling), sum(patients)::bigint
  FROM counted, LATERAL (SELECT lower(term) AS folded, min(term) AS spelling
                           FROM regexp_split_to_table(value, '\s*,\s*') AS term WHERE term <> '' GROUP BY 1) AS terms
 GROUP BY 1, 2
"""
_LINKS = """
           JOIN medical_record_and_trackers AS link ON link.patient_id = record.patient_id
           JOIN tracker_models AS model USING (model_id)
"""
_BY_BRAND = """
SELECT day, value, (SELECT min(brand_name) FROM tracker_models WHERE lower(brand_name) = value), patients FROM counted
"""
# By the name of a grouping: what is counted together, how, and which rows come from it.
_GROUPINGS: Mapping[str, tuple[str, str, str, str]] = {
    "source": ("CASE WHEN made_by_run IS NULL THEN 'hand' ELSE 'import' END", "count(*)", "", _AS_THEY_ARE),
    "gender": ("gender", "count(*)", "", _AS_THEY_ARE),
    "condition": ("medical_conditions", "count(*)", "", _BY_TERM),
    "brand": ("lower(brand_name)", "count(DISTINCT record.patient_id)", _LINKS, _BY_BRAND),
}


@dataclass(frozen=True)
class Additions:
    """The patients that were added on each day, by group: those of the largest group first.

    `unknown` patients were added before there was a history.
    """

    groups: Mapping[str, Counter[date]]
    unknown: int

    @property
    def total(self) -> Counter[date]:
        """The patients of all groups. It is a count of patients if each patient is in one group."""
        return sum(self.groups.values(), Counter[date]())


def count_additions(records: Records, grouping: str) -> Additions:
    """Count these patients by the day on which they were added, and by source, gender, condition or brand."""
    if records.query.is_empty():
        return Additions({}, 0)
    value, count, links, select = _GROUPINGS[grouping]
    columns = ("patient_id", "made_by_run", "gender", "medical_conditions")
    filtered, arguments = records.order_by().values(*columns).query.sql_with_params()
    statement = _ADDED.format(value=value, count=count, records=filtered, links=links) + select
    with reading().cursor() as cursor:
        cursor.execute(statement, [timezone.get_default_timezone_name(), *arguments])
        rows = cursor.fetchall()
    return _collect(rows)


def _collect(rows: list[tuple[date | None, str, str, int]]) -> Additions:
    days: dict[str, Counter[date]] = {}
    spellings: dict[str, Counter[str]] = {}
    for day, group, spelling, patients in rows:
        spellings.setdefault(group, Counter())[spelling] += patients
        counted = days.setdefault(group, Counter())
        if day:
            counted[day] += patients
    order = sorted(days, key=lambda group: (-spellings[group].total(), group))
    names = {group: min(spellings[group], key=lambda name: (-spellings[group][name], name)) for group in order}
    unknown = sum(patients for day, _, _, patients in rows if day is None)
    return Additions({names[group]: days[group] for group in order}, unknown)
