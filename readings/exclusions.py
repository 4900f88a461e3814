"""Periods of streams that statistics leave out: what is excluded, and how that changes."""

import datetime
import json
from typing import NamedTuple

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from healthtrack.core.replicas.routing import reading
from readings.local_times import describe_times, to_instant, to_local
from readings.models import Exclusion
from readings.store.applying import lock_order
from readings.store.fold import Change, fold_days

MAX_DAYS = 92  # whose readings are folded again while a person waits
# The offset of the day with readings that is nearest to the beginning.
_EXCLUDED = """
    SELECT own.stream_id, own.starts_at, own.ends_at, own.reason, own.excluded_at, person.username,
           coalesce((SELECT utc_offset FROM reading_days AS days
                      WHERE days.patient_id = own.patient_id AND days.stream_id = own.stream_id
                      ORDER BY abs(days.day - (own.starts_at AT TIME ZONE 'UTC')::date), utc_offset DESC LIMIT 1), 0)
      FROM reading_exclusions AS own LEFT JOIN auth_user AS person ON person.id = own.excluded_by_id
     WHERE own.patient_id = %s ORDER BY own.starts_at, own.stream_id
"""
# On a journey a day has several offsets. Of those, the exclusion has the longest period.
_OFFSETS = """
    SELECT coalesce(max(utc_offset), 0), coalesce(min(utc_offset), 0) FROM reading_days
     WHERE patient_id = %(patient)s AND stream_id = %(stream)s
       AND day = (SELECT day FROM reading_days WHERE patient_id = %(patient)s AND stream_id = %(stream)s
                   ORDER BY abs(day - %(day)s) LIMIT 1)
"""
_CHANGED = """
    DROP TABLE IF EXISTS changed_exclusion;
    CREATE TEMPORARY TABLE changed_exclusion ON COMMIT DROP AS
    SELECT patient_id, stream_id, starts_at, ends_at FROM reading_exclusions LIMIT 0
"""
_AFFECTED = """
    SELECT days.patient_id, days.stream_id, days.day, sum(days.reading_count) AS readings
      FROM changed_exclusion AS changed JOIN reading_days AS days USING (patient_id, stream_id)
     WHERE days.first_at < changed.ends_at AND days.last_at >= changed.starts_at
     GROUP BY days.patient_id, days.stream_id, days.day
"""
_RECORD = "SELECT record_reading_change('reading_streams', 'update', %s, %s, jsonb_build_object('excluded', %s::jsonb))"


class ExclusionError(Exception):
    """An exclusion that cannot be stored; the message is for people."""


class ExcludedPeriod(NamedTuple):
    """A period that is excluded; `offset` leads to the patient's local times."""

    stream_id: int
    starts_at: datetime.datetime
    ends_at: datetime.datetime
    reason: str
    excluded_at: datetime.datetime
    excluded_by: str | None
    offset: int

    @property
    def starts(self) -> datetime.datetime:
        return to_local(self.starts_at, self.offset)

    @property
    def ends(self) -> datetime.datetime:
        return to_local(self.ends_at, self.offset)

    @property
    def times(self) -> str:
        return describe_times(self.starts, self.ends)

    @property
    def key(self) -> str:
        """What a form sends to name it."""
        return self.starts_at.isoformat()


def list_excluded(patient: str) -> list[ExcludedPeriod]:
    """Return the excluded periods of all streams of a patient, in the order of time."""
    with reading().cursor() as cursor:
        cursor.execute(_EXCLUDED, [patient])
        return [ExcludedPeriod(*row) for row in cursor.fetchall()]


def exclude(
    patient: str, stream: int, period: tuple[datetime.datetime, datetime.datetime], reason: str, person: int | None
) -> None:
    """Leave a period, between two local times of the patient, out of the statistics of a stream.

    Its days are computed again, and the history says so. Raise ExclusionError if it overlaps another one.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        lock_order()
        starts_at, ends_at = _to_instants(cursor, patient, stream, period)
        for other in list_excluded(patient):
            if other.stream_id == stream and other.starts_at < ends_at and other.ends_at > starts_at:
                raise ExclusionError(
                    f"This overlaps a period that is already excluded: {other.times}. Choose other times."
                )
        Exclusion.objects.create(
            patient_id=patient,
            stream_id=stream,
            starts_at=starts_at,
            ends_at=ends_at,
            reason=reason,
            excluded_by_id=person,
        )
        _compute_again(cursor, patient, stream, starts_at, ends_at)
        _record(cursor, patient, stream, [None, f"{describe_times(*period)}: {reason}"])


def count_again(patient: str, stream: int, key: str) -> bool:
    """Remove an exclusion, compute its days again, and record that. Return False if it no longer exists."""
    with transaction.atomic(), connection.cursor() as cursor:
        lock_order()
        own = (each for each in list_excluded(patient) if each.stream_id == stream and each.key == key)
        found = next(own, None)
        if found is None:
            return False
        Exclusion.objects.filter(patient_id=patient, stream_id=stream, starts_at=found.starts_at).delete()
        _compute_again(cursor, patient, stream, found.starts_at, found.ends_at)
        _record(cursor, patient, stream, [f"{found.times}: {found.reason}", None])
    return True


def _to_instants(
    cursor: CursorWrapper, patient: str, stream: int, period: tuple[datetime.datetime, datetime.datetime]
) -> tuple[datetime.datetime, datetime.datetime]:
    offsets = []
    for local in period:
        cursor.execute(_OFFSETS, {"patient": patient, "stream": stream, "day": local.date()})
        offsets.append(cursor.fetchone())
    largest, smallest = offsets[0][0], offsets[1][1]
    return to_instant(period[0], largest), to_instant(period[1], smallest)


def _compute_again(
    cursor: CursorWrapper, patient: str, stream: int, starts_at: datetime.datetime, ends_at: datetime.datetime
) -> None:
    cursor.execute(_CHANGED)
    cursor.execute("INSERT INTO changed_exclusion VALUES (%s, %s, %s, %s)", [patient, stream, starts_at, ends_at])
    fold_days(cursor, _AFFECTED, Change())


def _record(cursor: CursorWrapper, patient: str, stream: int, change: list[str | None]) -> None:
    cursor.execute(_RECORD, [patient, stream, json.dumps(change)])
