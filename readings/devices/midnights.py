"""Where a local day of a patient begins in a stream: the instant that divides its readings of earlier and later days.

Each reading has the offset of its own local time, so the offsets around a day say which instant its midnight is.
"""

import datetime
from collections.abc import Collection, Mapping

from django.db import connection

Day = tuple[str, int, datetime.date]  # patient number, number of the stream, local day

_MIDNIGHT = "(wanted.day - utc_offset * interval '1 second') AT TIME ZONE 'UTC' AS midnight"
_OWN = "own.patient_id = wanted.patient_id AND own.stream_id = wanted.stream_id"
_LOCAL = "(own.starts_at AT TIME ZONE 'UTC' + own.start_offset * interval '1 second')::date"
# Where the offset changes around the midnight, as on journeys, there are two midnights. The later one is right, unless
# there is a reading before it that is already one of the day.
_FETCH = f"""
    SELECT wanted.patient_id, wanted.stream_id, wanted.day,
           coalesce(least(later.first_at, greatest(later.midnight, earlier.midnight)), wanted.day AT TIME ZONE 'UTC')
      FROM unnest(%s::text[], %s::integer[], %s::timestamp[]) AS wanted (patient_id, stream_id, day)
      LEFT JOIN LATERAL (
           SELECT first_at, {_MIDNIGHT} FROM (
               (SELECT first_at, utc_offset FROM reading_days AS own
                 WHERE {_OWN} AND own.day >= wanted.day::date ORDER BY day, first_at LIMIT 1)
               UNION ALL
               (SELECT starts_at, start_offset FROM episodes AS own
                 WHERE {_OWN} AND own.starts_at > wanted.day - interval '1 day' AND {_LOCAL} >= wanted.day::date
                 ORDER BY starts_at LIMIT 1)) AS following
            ORDER BY first_at LIMIT 1) AS later ON true
      LEFT JOIN LATERAL (
           SELECT {_MIDNIGHT} FROM (
               (SELECT last_at, utc_offset FROM reading_days AS own
                 WHERE {_OWN} AND own.day < wanted.day::date ORDER BY day DESC, last_at DESC LIMIT 1)
               UNION ALL
               (SELECT starts_at, start_offset FROM episodes AS own
                 WHERE {_OWN} AND own.starts_at < wanted.day + interval '1 day' AND {_LOCAL} < wanted.day::date
                 ORDER BY starts_at DESC LIMIT 1)) AS before
            ORDER BY last_at DESC LIMIT 1) AS earlier ON true
"""  # noqa: S608 (constants of this module)
# The local date of a midnight at any offset of inhabited places but two: those 11 hours behind UTC and 14 ahead of it.
_NEARLY_A_DAY = datetime.timedelta(hours=13)


def fetch_midnights(days: Collection[Day]) -> Mapping[Day, datetime.datetime]:
    """Return the instant at which each of these days begins; without readings around it, its midnight in UTC."""
    if not days:
        return {}
    patients, streams, dates = map(list, zip(*days, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(_FETCH, [patients, streams, dates])
        return {(patient, stream, day.date()): instant for patient, stream, day, instant in cursor.fetchall()}


def get_day(midnight: datetime.datetime) -> datetime.date:
    """Return the day that begins at an instant from `fetch_midnights`, for people to read."""
    return (midnight.astimezone(datetime.UTC) + _NEARLY_A_DAY).date()
