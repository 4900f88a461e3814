"""Attribute streams to devices: by serial number, or by the device of that model which the patient wore, or not at all.

Nothing is guessed. Where two devices of a model were worn at a time, or none, the period of the stream waits for a
decision. What a person has decided stays.
"""

import datetime
import json
from collections import defaultdict
from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from django.db import connection

from readings.devices.midnights import fetch_midnights, get_day
from readings.models import StreamDevice
from trackers.names import find_models_by_name

BEGINNING = datetime.datetime(1900, 1, 1, tzinfo=datetime.UTC)
_Decision = StreamDevice.Decision
_STREAMS = """
    SELECT stream.patient_id, stream.stream_id, coalesce(nullif(stream.model, ''), stream.source), device.device_id,
           least((SELECT first_at FROM reading_days AS own
                   WHERE own.patient_id = stream.patient_id AND own.stream_id = stream.stream_id
                   ORDER BY day, first_at LIMIT 1),
                 (SELECT min(starts_at) FROM episodes AS own
                   WHERE own.patient_id = stream.patient_id AND own.stream_id = stream.stream_id))
      FROM reading_streams AS stream
      LEFT JOIN devices AS device ON lower(device.serial_number) = lower(stream.source) AND stream.source <> ''
     WHERE stream.patient_id = ANY (%s) ORDER BY stream.patient_id, stream.stream_id
"""
_LOCK = 0x41545452  # "ATTR"
_ASSIGNMENTS = """
    SELECT assignment.patient_id, device.device_id, device.model_id, assignment.worn_from, assignment.worn_until
      FROM device_assignments AS assignment JOIN devices AS device USING (device_id)
     WHERE assignment.patient_id = ANY (%s) AND device.model_id IS NOT NULL
"""
_CURRENT = """
    SELECT patient_id, stream_id, starts_at, device_id, decision, decided_by_id FROM stream_devices
     WHERE patient_id = ANY (%s) ORDER BY patient_id, stream_id, starts_at
"""
# Whose readings could come from these devices: by serial number, by their assignments, or because they did so far.
_CONCERNED = """
    SELECT patient_id FROM (
        SELECT stream.patient_id FROM reading_streams AS stream
          JOIN devices AS device ON device.serial_number <> '' AND lower(device.serial_number) = lower(stream.source)
         WHERE device.device_id = ANY (%(devices)s)
        UNION SELECT patient_id FROM device_assignments WHERE device_id = ANY (%(devices)s)
        UNION SELECT patient_id FROM stream_devices WHERE device_id = ANY (%(devices)s)) AS concerned
     WHERE patient_id NOT LIKE 'deleted/%%'
"""
_CONCERNED_BY_NAMES = """
    SELECT DISTINCT patient_id FROM reading_streams
     WHERE lower(coalesce(nullif(model, ''), source)) = ANY (%s) AND patient_id NOT LIKE 'deleted/%%'
"""
# Replaces all rows of these streams, whatever they cover, and writes the history, in one statement.
_WRITE = """
    WITH removed AS (
        DELETE FROM stream_devices AS old
         USING unnest(%(patients)s::text[], %(streams)s::integer[]) AS one (patient, stream)
         WHERE old.patient_id = one.patient AND old.stream_id = one.stream
        RETURNING old.starts_at
    ), added AS (
        INSERT INTO stream_devices (patient_id, stream_id, starts_at, device_id, decision, decided_by_id)
        SELECT new.* FROM unnest(%(row_patients)s::text[], %(row_streams)s::integer[], %(starts_at)s::timestamptz[],
                                 %(devices)s::integer[], %(decisions)s::text[], %(people)s::integer[]) AS new
         WHERE (SELECT count(*) FROM removed) >= 0  -- not before they are gone
    )
    SELECT record_reading_change('reading_streams', 'update', patient, stream, jsonb_build_object(
               'devices', jsonb_build_array(old, new)))
      FROM unnest(%(patients)s::text[], %(streams)s::integer[], %(old)s::jsonb[], %(new)s::jsonb[])
           AS one (patient, stream, old, new)
     WHERE old IS NOT NULL
"""


Key = tuple[str, int]  # of a stream: patient number and number of the stream


class Row(NamedTuple):
    """From `starts_at` until the next row, a stream came from this device."""

    starts_at: datetime.datetime
    device_id: int | None
    decision: str
    decided_by_id: int | None = None


class Worn(NamedTuple):
    """A device that a patient wore, from one day until before another."""

    device_id: int
    model_id: int
    worn_from: datetime.date
    worn_until: datetime.date | None

    def covers(self, day: datetime.date) -> bool:
        return self.worn_from <= day and (self.worn_until is None or day < self.worn_until)


def find_patients_of_devices(devices: Collection[int]) -> set[str]:
    """Return the patients whose readings may come from these devices, so that `attribute` looks at them again."""
    with connection.cursor() as cursor:
        cursor.execute(_CONCERNED, {"devices": list(devices)})
        return {patient for (patient,) in cursor.fetchall()}


def find_patients_of_names(names: Collection[str]) -> set[str]:
    """Return the patients with readings whose model files give as one of these names, in upper or lower case."""
    with connection.cursor() as cursor:
        cursor.execute(_CONCERNED_BY_NAMES, [[name.lower() for name in names]])
        return {patient for (patient,) in cursor.fetchall()}


def fetch_rows(patients: Collection[str]) -> dict[Key, list[Row]]:
    """Return the rows of each stream of these patients; nobody else changes any until the transaction ends."""
    current: dict[Key, list[Row]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        cursor.execute(_CURRENT, [list(patients)])
        for patient, stream, *row in cursor.fetchall():
            current[patient, stream].append(Row(*row))
    return current


def attribute(patients: Collection[str], *, undecided: Container[Key] = ()) -> int:
    """Attribute all streams of these patients again, and return how many of them changed.

    What people decided stays, except about the `undecided` streams.
    """
    numbers = list(patients)
    if not numbers:
        return 0  # without the lock, for which others would wait
    current = fetch_rows(numbers)
    streams, worn = _fetch_streams(numbers)
    models = find_models_by_name({model for _, _, model, *_ in streams if model})
    fitting = {}
    for patient, stream, text, device, _ in streams:
        known = {model.pk for model in models.get(text, ())}
        fitting[patient, stream] = [each for each in worn[patient] if device is None and each.model_id in known]
    automatic = _attribute_by_model(fitting)
    changes = {}
    for patient, stream, _, device, first_at in streams:
        key = (patient, stream)
        found = automatic[key] if device is None else [Row(BEGINNING, device, _Decision.SERIAL)]
        decided = [] if key in undecided else current[key]
        rows = _leave_out_beginning(keep_decisions(found, decided), first_at)
        if rows != current[key]:
            changes[key] = rows
    write_rows(changes, current)
    return len(changes)


def _fetch_streams(patients: list[str]) -> tuple[list[tuple[Any, ...]], Mapping[str, Sequence[Worn]]]:
    """Return the streams of patients, and the devices of known models that each of them wore.

    A stream is its patient and number, the text of its model, the device with its serial number, and its first instant.
    """
    worn: dict[str, list[Worn]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_STREAMS, [patients])
        streams = cursor.fetchall()
        cursor.execute(_ASSIGNMENTS, [patients])
        for patient, *assignment in cursor.fetchall():
            worn[patient].append(Worn(*assignment))
    return streams, worn


def _attribute_by_model(fitting: Mapping[Key, Sequence[Worn]]) -> dict[Key, list[Row]]:
    """Return the rows of streams that nobody has decided about, from the devices that fit and when they were worn."""
    days = {key: _list_days(worn) for key, worn in fitting.items()}
    midnights = fetch_midnights([(*key, day) for key, own in days.items() for day in own])
    return {
        key: list(_attribute_one(worn, {day: midnights[*key, day] for day in days[key]}))
        for key, worn in fitting.items()
    }


def _list_days(worn: Sequence[Worn]) -> list[datetime.date]:
    """Return the days on which the devices of a patient change."""
    return sorted({each.worn_from for each in worn} | {each.worn_until for each in worn if each.worn_until})


def _attribute_one(worn: Sequence[Worn], begins: Mapping[datetime.date, datetime.datetime]) -> Iterator[Row]:
    """Yield the rows of a stream; `begins` has the instants at which the days of changes begin, in their order."""
    before: int | str | None = ""
    for day, instant in {datetime.date.min: BEGINNING, **begins}.items():
        found = {each.device_id for each in worn if each.covers(day)}
        chosen = found.pop() if len(found) == 1 else None
        if chosen != before:
            yield Row(instant, chosen, _Decision.OPEN if chosen is None else _Decision.MODEL)
        before = chosen


def _leave_out_beginning(rows: list[Row], first_at: datetime.datetime | None) -> list[Row]:
    """Return the rows without an open one at the beginning if it ends before there are readings."""
    if len(rows) > 1 and rows[0].decision == _Decision.OPEN and first_at and rows[1].starts_at <= first_at:
        return rows[1:]
    return rows


def keep_decisions(automatic: Sequence[Row], current: Sequence[Row]) -> list[Row]:
    """Return the automatic rows, except in the periods about which a person decided."""
    ends = [*(row.starts_at for row in current[1:]), None]
    decided = [(row, end) for row, end in zip(current, ends, strict=False) if row.decision == _Decision.PERSON]
    rows = {row.starts_at: row for row in automatic}
    for row, end in decided:
        if end is not None:
            last = next(each for each in reversed(automatic) if each.starts_at <= end)
            rows.setdefault(end, last._replace(starts_at=end))
        for instant in [each for each in rows if each >= row.starts_at and (end is None or each < end)]:
            del rows[instant]
    for row, _ in decided:
        rows[row.starts_at] = row
    return [rows[instant] for instant in sorted(rows)]


def write_rows(changes: Mapping[Key, Sequence[Row]], current: Mapping[Key, Sequence[Row]]) -> None:
    """Replace the rows of these streams, and write into the history which devices they had and have."""
    if not changes:
        return
    keys = list(changes)
    rows = [(*key, *row) for key, own in changes.items() for row in own]
    columns = list(zip(*rows, strict=True))
    names = ("row_patients", "row_streams", "starts_at", "devices", "decisions", "people")
    values: dict[str, Any] = {
        **{name: list(column) for name, column in zip(names, columns, strict=True)},
        "patients": [patient for patient, _ in keys],
        "streams": [stream for _, stream in keys],
        "old": [_as_json(current[key]) if current[key] else None for key in keys],
        "new": [_as_json(changes[key]) for key in keys],
    }
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, values)


def _as_json(rows: Sequence[Row]) -> str:
    """Return the devices of a stream as the history shows them: their numbers, and since when."""
    names = [f"{row.device_id}" if row.device_id else "unassigned" for row in rows]
    since = ["", *(f" from {get_day(row.starts_at)}" for row in rows[1:])]
    return json.dumps(", ".join(f"{name}{day}" for name, day in zip(names, since, strict=True)))
