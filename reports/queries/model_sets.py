"""How many patients use each set of tracker models: from this follow the patients of each model and brand.

Triggers count all patients by their set. With filters, they are counted here. Most patients have one link, so a model's
links are nearly its patients. Only patients with several links, whom a partial index finds, could be counted twice for
a brand. They are counted by their set of models, as there are few such sets. A set of two or three models is identified
by its lowest and highest number and the sum, which is faster than building an array for each patient. It is one
statement, so that all counts see the same state of the tables.
"""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from healthtrack.core.replicas.routing import reading
from patients.filters.records import Records
from patients.models import PatientCount
from patients.patient_counts import read_patient_counts
from reports.queries import is_everybody

_SETS = """
WITH narrowed AS ({narrowed}), links AS (
    SELECT {conditions} AS conditions, model_id, count(*) AS links FROM {linked} GROUP BY 1, 2
), several AS (
    SELECT patient_id, {conditions} AS conditions, count(*) AS links, min(model_id) AS lowest,
           max(model_id) AS highest, sum(model_id) AS total
      FROM narrowed JOIN medical_record_and_trackers USING (patient_id)
     WHERE link_count > 1
     GROUP BY 1, 2
), alike AS (
    SELECT conditions, links, lowest, highest, total, CASE WHEN links > 3 THEN patient_id END AS patient_id,
           count(*) AS patients
      FROM several
     GROUP BY 1, 2, 3, 4, 5, 6
)
SELECT conditions, array_remove(ARRAY[model_id], NULL) AS models, links AS patients, false AS is_whole_set FROM links
 UNION ALL
SELECT conditions, CASE links WHEN 2 THEN ARRAY[lowest, highest]
                              ELSE ARRAY[lowest, (total - lowest - highest)::integer, highest] END, patients, true
  FROM alike
 WHERE links <= 3
 UNION ALL
SELECT conditions, array_agg(model_id), 1, true
  FROM alike JOIN medical_record_and_trackers USING (patient_id)
 WHERE links > 3
 GROUP BY conditions, patient_id
"""


class ModelSet(NamedTuple):
    """Patients who use exactly these models; with their conditions, as they are written, if counted by conditions."""

    models: tuple[int, ...]
    patients: int
    conditions: str = ""


class _Row(NamedTuple):
    conditions: str
    models: list[int]
    patients: int
    is_whole_set: bool


def model_sets(records: Records, *, by_conditions: bool = False) -> Iterator[ModelSet]:
    """Yield the sets of models that patients use. By conditions, patients without a model have an empty set."""
    if is_everybody(records):
        yield from _read_sets(by_conditions=by_conditions)
        return
    left = Counter[tuple[str, tuple[int, ...]]]()
    for row in _rows(records, by_conditions=by_conditions):
        conditions, models = row.conditions, tuple(row.models)
        if row.is_whole_set:
            yield ModelSet(models, row.patients, conditions)
            # They are also counted among the links of each of their models.
            left.subtract({(conditions, (model,)): row.patients for model in models})
        else:
            left[conditions, models] += row.patients
    for (conditions, models), patients in left.items():
        if patients > 0:
            yield ModelSet(models, patients, conditions)


def _read_sets(*, by_conditions: bool) -> Iterator[ModelSet]:
    for label, model_ids, patients in read_patient_counts(PatientCount.What.CONDITIONS):
        if model_ids or by_conditions:
            yield ModelSet(tuple(model_ids), patients, label if by_conditions else "")


def _rows(records: Records, *, by_conditions: bool) -> list[_Row]:
    if records.query.is_empty():
        return []
    narrowed, values = (
        records.order_by().values("patient_id", "medical_conditions", "link_count").query.sql_with_params()
    )
    links = "medical_record_and_trackers"
    sql = _SETS.format(
        narrowed=narrowed,
        conditions="medical_conditions" if by_conditions else "''",
        linked=f"narrowed {'LEFT JOIN' if by_conditions else 'JOIN'} {links} USING (patient_id)",
    )
    with reading().cursor() as cursor:
        cursor.execute(sql, values)
        return [_Row(*row) for row in cursor.fetchall()]
