"""Let people read what a worker has written for them, although replicas may be behind.

A run stores the position in the log at which it had changed data. The row of the session, which every request reads,
comes with the latest position of the person's runs, and `core.replicas.routing` chooses a replica that has reached it.
"""

from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import Case, OuterRef, Subquery, When
from django.db.models.functions import Now

from healthtrack.imports.models import ImportRun

RECENT = timedelta(hours=1)  # no replica that is read is so far behind; a restored database may have other positions
_STORE = """
    UPDATE import_runs SET written_position = pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint
     WHERE run_id = %s AND started_by_id IS NOT NULL
"""


def store_position(run: ImportRun) -> None:
    """Store the present position with the run, if a person started it."""
    with connection.cursor() as cursor:
        cursor.execute(_STORE, [run.run_id])


def get_latest_position() -> "Subquery[Any]":
    """Return the expression of the latest position of a person's runs; null if no run has ended recently."""
    runs = ImportRun.objects.filter(started_by=OuterRef("user"), written_position__isnull=False)
    recent = Case(When(finished_at__gt=Now() - RECENT, then="written_position"))
    return Subquery(runs.order_by("-written_position").values(position=recent)[:1])
