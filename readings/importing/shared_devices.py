"""Readings of two patients that name one device at the same time: nobody knows whose they are, so none is imported."""

from collections.abc import Sequence
from typing import NamedTuple

from django.db import connection

from readings.store.staging import StagedReadings

_MEETS = """
    met.day BETWEEN own.day - 2 AND own.day + 2 AND met.first_at <= own.last_at AND met.last_at >= own.first_at
"""
# A handover on one day is allowed: the day rows of the two patients do not overlap in time.
_REMOVE = f"""
    WITH named AS MATERIALIZED (
        SELECT stream, patient_id, lower(coalesce(nullif(serial_number, ''), source)) AS serial FROM {{streams}}
         WHERE serial_number <> ''
            OR lower(source) IN (SELECT lower(serial_number) FROM devices WHERE serial_number <> '')
    ), found AS MATERIALIZED (
        SELECT own.stream, own.day, own.utc_offset, named.serial FROM named JOIN {{days}} AS own USING (stream)
         WHERE EXISTS (SELECT FROM named AS other JOIN {{days}} AS met USING (stream)
                        WHERE other.serial = named.serial AND other.patient_id <> named.patient_id AND {_MEETS})
            OR EXISTS (SELECT FROM devices AS device JOIN stream_devices AS stored USING (device_id)
                         JOIN reading_days AS met
                           ON met.patient_id = stored.patient_id AND met.stream_id = stored.stream_id
                        WHERE device.serial_number <> '' AND lower(device.serial_number) = named.serial
                          AND stored.patient_id <> named.patient_id AND stored.patient_id NOT LIKE 'deleted/%%'
                          AND {_MEETS} AND met.last_at >= stored.starts_at
                          AND met.first_at < coalesce(
                              (SELECT min(later.starts_at) FROM stream_devices AS later
                                WHERE later.patient_id = stored.patient_id AND later.stream_id = stored.stream_id
                                  AND later.starts_at > stored.starts_at), 'infinity'))
    )
    DELETE FROM {{days}} AS own USING found
     WHERE own.stream = found.stream AND own.day = found.day AND own.utc_offset = found.utc_offset
    RETURNING found.serial, own.reading_count, own.lines
"""  # noqa: S608 (constants of this module)


class SharedDay(NamedTuple):
    """A day row that was removed: the serial number in lower case, its number of readings, and their lines if known."""

    serial_number: str
    readings: int
    lines: Sequence[int] | None


def remove_shared_days(staged: StagedReadings) -> list[SharedDay]:
    """Remove the staged day rows whose device another patient has readings of at that time, staged or stored ones."""
    with connection.cursor() as cursor:
        cursor.execute(_REMOVE.format(streams=staged.streams, days=staged.days), {})
        return [SharedDay(*row) for row in cursor.fetchall()]
