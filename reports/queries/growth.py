"""How many patients there were at the end of each day, from the import runs and the history.

The number of today is counted, and the changes since then are taken back. Imports store how many records they added;
every other record that was added, and every one that was deleted, has its row in the history. When the table was
emptied at once, nobody knows how many records it had, so the days before are unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import connection
from django.utils import timezone

from healthtrack.audit.models import Action
from healthtrack.imports.models import Kind, State
from patients.models import MedicalRecord

DAYS = 365

_CHANGES = """
WITH emptied AS (
    SELECT max(changed_at) AS at FROM changes WHERE table_name = %(table)s AND action = %(truncate)s
), events AS (
    SELECT finished_at AS at, new
      FROM import_runs, jsonb_to_recordset(result -> 'tables') AS counts ("table" text, new bigint)
     WHERE kind = %(import)s AND state IN (%(applied)s, %(undone)s) AND counts.table = %(table)s
    UNION ALL
    SELECT changed_at, CASE action WHEN %(insert)s THEN 1 ELSE -1 END
      FROM changes
     WHERE table_name = %(table)s AND action IN (%(insert)s, %(delete)s)
)
SELECT (at AT TIME ZONE %(zone)s)::date, sum(new)::bigint
  FROM events
 WHERE at > coalesce((SELECT at FROM emptied), '-infinity')
 GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True)
class Growth:
    """The patients of today, and by how many their number changed on each day, the earliest first."""

    patients: int
    changes: Mapping[date, int]

    def count_on(self, day: date) -> int:
        """Return the number of patients at the end of a day."""
        return self.patients - sum(new for changed, new in self.changes.items() if changed > day)

    def get_change_since(self, day: date) -> int:
        """Return by how much the number of patients has changed since the end of a day."""
        return self.patients - self.count_on(day)

    def get_series(self, today: date, max_points: int) -> list[tuple[date, int]]:
        """Return the number of patients at the end of days of the last year, from the first known one to today."""
        first = max(min(self.changes, default=today) - timedelta(days=1), today - timedelta(days=DAYS))
        days = (today - first).days
        step = max(-(-days // (max_points - 1)), 1)
        shown = [today - timedelta(days=back) for back in range(0, days + 1, step)][::-1]
        return [(day, self.count_on(day)) for day in shown]


def count_growth(patients: int) -> Growth:
    """Return how the number of patients, which is now this one, has changed by day."""
    values = {
        "table": MedicalRecord._meta.db_table,
        "zone": timezone.get_default_timezone_name(),
        **{action.value: action.value for action in Action},
        "import": Kind.IMPORT.value,
        "applied": State.APPLIED.value,
        "undone": State.UNDONE.value,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CHANGES, values)
        return Growth(patients, dict(cursor.fetchall()))
