"""The size of the database, and how fast it grows."""

from dataclasses import dataclass
from datetime import timedelta

from django.db import connection

from healthtrack.core.date_formats import get_today
from healthtrack.operations.models import DatabaseSize

RETENTION = timedelta(days=400)
PERIOD = timedelta(days=30)


@dataclass(frozen=True)
class Growth:
    """The difference in bytes over so many days."""

    difference: int
    days: int


def measure() -> int:
    """Return the size of the database in bytes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        (size,) = cursor.fetchone()
    return int(size)


def store() -> None:
    """Store the size for this day, and delete old ones."""
    today = get_today()
    DatabaseSize.objects.update_or_create(day=today, defaults={"size": measure()})
    DatabaseSize.objects.filter(day__lt=today - RETENTION).delete()


def get_growth(size: int) -> Growth | None:
    """Return the growth to this size since the first stored day of the last 30, or None without an earlier day."""
    today = get_today()
    first = DatabaseSize.objects.filter(day__gte=today - PERIOD, day__lt=today).order_by("day").first()
    return Growth(size - first.size, (today - first.day).days) if first else None
