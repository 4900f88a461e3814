"""The partitions of `reading_days`, one for each year."""

from collections.abc import Iterable
from contextlib import closing

from django.db import connection

_EXISTING = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'reading_days'::regclass"


def make_partitions(years: Iterable[int]) -> None:
    """Create the partitions of these years that do not exist, in a transaction of their own.

    A run takes long, and until its end nobody else could create a partition.
    """
    with connection.cursor() as cursor:
        cursor.execute(_EXISTING)
        existing = {name for (name,) in cursor.fetchall()}
    missing = [year for year in years if f"reading_days_{year}" not in existing]
    if not missing:
        return
    with closing(connection.copy()) as own, own.cursor() as cursor:
        for year in missing:
            cursor.execute("SELECT reading_days_make_year(%s)", [year])
