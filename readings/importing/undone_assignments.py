"""The undo of assignments that a run of readings brought or changed."""

from collections.abc import Collection
from typing import Any, NamedTuple

from django.db import connection
from django.db.backends.utils import CursorWrapper

from healthtrack.imports.life_cycle.undone_runs import get_void_runs
from healthtrack.imports.models import ImportRun
from healthtrack.imports.undo.conflict_search import CHANGED_BY_OTHERS
from readings.devices.overlapping_assignments import find_restored

# Those that somebody else changed since.
_CHANGED_SINCE = f"SELECT row_id FROM changes WHERE table_name = 'device_assignments' AND {CHANGED_BY_OTHERS}"  # noqa: S608 (a constant)
_BROUGHT = "SELECT assignment_id, patient_id FROM device_assignments WHERE made_by_run = %s"
_ENDS_BEFORE = """
    SELECT DISTINCT ON (row_id) row_id, fields -> 'worn_until' ->> 0
      FROM changes JOIN device_assignments ON assignment_id = row_id
     WHERE run_id = %s AND table_name = 'device_assignments' AND action = 'update' AND fields ? 'worn_until'
     ORDER BY row_id, change_id
"""
# Those that end earlier come first, because others may begin where they end.
_RESTORE = """
    UPDATE device_assignments AS stored SET worn_until = back.worn_until
      FROM unnest(%(keys)s::integer[], %(ends)s::date[]) AS back (assignment_id, worn_until)
     WHERE stored.assignment_id = back.assignment_id
       AND coalesce(back.worn_until, 'infinity') {compared} coalesce(stored.worn_until, 'infinity')
"""


class TakenBack(NamedTuple):
    """The patients whose assignments an undo removed or changed, and how many assignments it left as they are."""

    patients: set[str]
    left: int


def take_back(run: ImportRun) -> TakenBack:
    """Remove the assignments that the run brought, and give those that it changed their old ends back.

    Those that somebody changed since stay, and those whose old end would overlap another assignment. Call it within the
    transaction that undoes the run.
    """
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"mark": run.first_change or 0, "run": run.run_id, "void": get_void_runs()}
        cursor.execute(_CHANGED_SINCE, values)
        changed_since = {key for (key,) in cursor.fetchall()}
        cursor.execute(_BROUGHT, [run.run_id])
        brought = dict(cursor.fetchall())
        removed = [key for key in brought if key not in changed_since]
        cursor.execute("DELETE FROM device_assignments WHERE assignment_id = ANY (%s)", [removed])
        restored, left = _restore(cursor, run.run_id, changed_since)
    return TakenBack({brought[key] for key in removed} | restored, len(brought) - len(removed) + left)


def _restore(cursor: CursorWrapper, run_id: int, changed_since: Collection[int]) -> tuple[set[str], int]:
    cursor.execute(_ENDS_BEFORE, [run_id])
    found = cursor.fetchall()
    ends = {key: end for key, end in found if key not in changed_since}
    for key in find_restored(list(ends.items()), []):
        del ends[key]
    values: dict[str, Any] = {"keys": list(ends), "ends": list(ends.values())}
    for compared in ("<", ">"):
        cursor.execute(_RESTORE.format(compared=compared), values)
    cursor.execute("SELECT patient_id FROM device_assignments WHERE assignment_id = ANY (%s)", [list(ends)])
    return {patient for (patient,) in cursor.fetchall()}, len(found) - len(ends)
