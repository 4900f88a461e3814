"""Let people read what a worker has written for them, although replicas may be behind.

A run that is applied stores its position in the log of the database. The row of the session, which every request reads,
comes with the latest position of the person's runs, and `core.replicas.routing` chooses a replica that has reached it.
"""

from datetime import timedelta
from typing import Any

from django.db.models import Case, OuterRef, Subquery, When
from django.db.models.functions import Now

from healthtrack.imports.models import ImportRun

RECENT = timedelta(hours=1)  # no replica that is read is so far behind; a restored database may have other positions


def get_latest_position() -> "Subquery[Any]":
    """Return the expression of the latest position of a person's runs; null if no run has ended recently."""
    runs = ImportRun.objects.filter(started_by=OuterRef("user"), written_position__isnull=False)
    recent = Case(When(finished_at__gt=Now() - RECENT, then="written_position"))
    return Subquery(runs.order_by("-written_position").values(position=recent)[:1])
