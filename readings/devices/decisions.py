"""What people decide about the device that readings came from.

A decision covers a period of a source: all streams of a patient that files name alike. The program never overwrites it.
"""

import datetime
from collections.abc import Sequence
from typing import NamedTuple

from django.db import transaction

from readings.devices.attribution import BEGINNING, Row, attribute, fetch_rows, write_rows
from readings.devices.midnights import fetch_midnights
from readings.models import ReadingStream, StreamDevice

_OPEN = StreamDevice.Decision.OPEN
_PERSON = StreamDevice.Decision.PERSON


class Source(NamedTuple):
    """What files name as the origin of a patient's readings, and the model of the device in their words."""

    patient_id: str
    name: str
    model: str


def find_source(stream_id: int) -> Source | None:
    """Return the source of a stream; None if there is no such stream, or its record was deleted."""
    streams = ReadingStream.objects.filter(stream_id=stream_id).exclude(patient_id__startswith="deleted/")
    found = streams.values_list("patient_id", "source", "model").first()
    return Source(*found) if found else None


@transaction.atomic
def decide(
    source: Source,
    device_id: int | None,
    person_id: int,
    begins: datetime.date | None = None,
    ends: datetime.date | None = None,
) -> None:
    """Let all readings of the source come from the device, past and future, or from none.

    The decision can be limited to the patient's local days from `begins` until before `ends`; all else stays as it is.
    """
    current = fetch_rows([source.patient_id])
    streams = _list_streams(source)
    midnights = fetch_midnights([(*key, day) for key in streams for day in (begins, ends) if day])
    changes = {}
    for key in streams:
        start, end = (midnights[*key, day] if day else None for day in (begins, ends))
        changes[key] = put_decision(current[key], Row(start or BEGINNING, device_id, _PERSON, person_id), end)
    write_rows(changes, current)


@transaction.atomic
def undo_decisions(source: Source) -> None:
    """Attribute the readings of the source as if no person had decided about them."""
    attribute([source.patient_id], undecided=set(_list_streams(source)))


def put_decision(rows: Sequence[Row], decision: Row, end: datetime.datetime | None) -> list[Row]:
    """Return the rows of a stream with the decision from its start until `end`, after which they go on as before."""
    before = [row for row in rows if row.starts_at < decision.starts_at]
    if end is None:
        return [*before, decision]
    until = [row for row in rows if row.starts_at <= end]
    after = [row for row in rows if row.starts_at > end]
    resumed = until[-1]._replace(starts_at=end) if until else Row(end, None, _OPEN)
    return [*before, decision, resumed, *after]


def _list_streams(source: Source) -> list[tuple[str, int]]:
    streams = ReadingStream.objects.filter(patient_id=source.patient_id, source=source.name, model=source.model)
    return list(streams.order_by("stream_id").values_list("patient_id", "stream_id"))
