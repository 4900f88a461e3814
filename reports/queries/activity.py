"""How much people and imports did lately."""

from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from django.db.models import Count, Q
from django.utils import timezone

from healthtrack.audit.models import Change
from healthtrack.imports.models import ImportRun, Kind, State
from patients.models import MedicalRecord, MedicalRecordTracker

PERIOD = timedelta(days=30)


class Times(NamedTuple):
    """How many times something happened in the last 30 days, and in the 30 days before."""

    now: int
    before: int


def count_edited_patients() -> Times:
    """Count the patients whose record or trackers people changed by hand."""
    start, middle = _get_period()
    tables = [model._meta.db_table for model in (MedicalRecord, MedicalRecordTracker)]
    # The index by run finds the changes by hand, however many rows imports changed in this time.
    by_hand = Change.objects.filter(run_id=None, changed_at__gte=start, person__isnull=False, table_name__in=tables)
    counts = by_hand.order_by().aggregate(
        now=Count("patient_id", filter=Q(changed_at__gte=middle), distinct=True),
        before=Count("patient_id", filter=Q(changed_at__lt=middle), distinct=True),
    )
    return Times(**counts)


def count_imports() -> Mapping[str, Times]:
    """Count the imports that were applied, by importer; those that were undone since do not count."""
    start, middle = _get_period()
    runs = ImportRun.objects.filter(kind=Kind.IMPORT, state=State.APPLIED, finished_at__gte=start)
    rows = (
        runs.order_by()
        .values("importer")
        .annotate(
            now=Count("pk", filter=Q(finished_at__gte=middle)), before=Count("pk", filter=Q(finished_at__lt=middle))
        )
    )
    return {row["importer"]: Times(row["now"], row["before"]) for row in rows}


def _get_period() -> tuple[object, object]:
    now = timezone.now()
    return now - 2 * PERIOD, now - PERIOD
