"""Read how many patients have the same conditions or reported tracker and the same models, as triggers count them."""

from typing import NamedTuple

from healthtrack.core.replicas.routing import is_reading_primary, reading
from patients.models import PatientCount

MAX_ROWS_PER_COUNT = 20

_COUNTS = """
    SELECT label, model_ids, sum(patients)::bigint, count(*) FROM patient_counts
     WHERE what = %s GROUP BY label, model_ids ORDER BY label, model_ids
"""
# One statement, so that others see the differences or their sums, and never both.
_FOLD = """
    WITH gone AS (DELETE FROM patient_counts RETURNING what, label, model_ids, patients)
    INSERT INTO patient_counts (what, label, model_ids, patients)
    SELECT what, label, model_ids, sum(patients) FROM gone GROUP BY 1, 2, 3 HAVING sum(patients) <> 0
"""


class Count(NamedTuple):
    """Patients with the same label and models."""

    label: str
    model_ids: list[int]
    patients: int


def read_patient_counts(what: PatientCount.What) -> list[Count]:
    """Return the counts by conditions or by reported tracker, and replace many differences by their sums."""
    with reading().cursor() as cursor:
        cursor.execute(_COUNTS, [what])
        found = cursor.fetchall()
        rows = sum(row[-1] for row in found)
        if rows > MAX_ROWS_PER_COUNT * (len(found) + 1) and is_reading_primary():
            cursor.execute(_FOLD)
    return [Count(label, model_ids, patients) for label, model_ids, patients, _ in found if patients]
