"""What time does to readings: runs become final, and readings are deleted when their retention is over."""

from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from healthtrack.core.database.monthly_partitions import add_months
from readings.models import Contribution, Episode, ReadingDay, ReadingRun
from readings.store import undoing
from readings.store.applying import lock_order

_MAX_MONTHS = 12 * 1000


def finish_old_runs() -> int:
    """Let the runs that are old enough become final, in their order, and return how many did."""
    latest = timezone.now() - timedelta(days=settings.READINGS_UNDO_DAYS)
    finished = 0
    for run in ReadingRun.objects.filter(is_final=False).order_by("position"):
        if run.applied_at >= latest:
            break
        with transaction.atomic(), connection.cursor() as cursor:
            lock_order()
            undoing.make_final(cursor, run.run_id)
        finished += 1
    return finished


def delete_expired() -> int:
    """Delete the readings of days before the retention period, and return how many days of streams that were."""
    first = add_months(timezone.now().date(), -min(settings.READINGS_MONTHS, _MAX_MONTHS))
    with transaction.atomic():
        lock_order()
        deleted, _ = ReadingDay.objects.filter(day__lt=first).delete()
        Contribution.objects.filter(day__lt=first).delete()
        Episode.objects.filter(day__lt=first).delete()
    return deleted
