"""The streams of a patient: what exists, the devices behind it, and the periods that are excluded."""

import datetime
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from healthtrack.core.replicas.routing import reading
from readings.devices.attribution import BEGINNING
from readings.local_times import to_local
from readings.models import Metric
from readings.units import Conversion, get_conversion

DAY_SECONDS = 86_400
_STREAMS = """
    SELECT stream.stream_id, stream.metric_id, stream.source, stream.unit, stream.origin, min(days.day), max(days.day),
           count(DISTINCT days.day), sum(days.seconds_covered), sum(days.reading_count),
           sum(days.reading_count - days.counted), min(days.first_at), mode() WITHIN GROUP (ORDER BY days.utc_offset)
      FROM reading_streams AS stream JOIN reading_days AS days USING (patient_id, stream_id)
     WHERE stream.patient_id = %s
     GROUP BY stream.stream_id, stream.metric_id, stream.source, stream.unit, stream.origin
"""
_DEVICES = """
    SELECT own.stream_id, own.starts_at, own.device_id,
           concat_ws(' ', model.brand_name, model.model_name,
                     coalesce(nullif(device.serial_number, ''), nullif(device.maker_key, ''), device.label))
      FROM stream_devices AS own LEFT JOIN devices AS device USING (device_id)
      LEFT JOIN tracker_models AS model ON model.model_id = device.model_id
     WHERE own.patient_id = %s ORDER BY own.stream_id, own.starts_at
"""


class DevicePeriod(NamedTuple):
    """From `starts_at` on, a stream comes from this device; without a number, from one that nobody knows."""

    starts_at: datetime.datetime
    device_id: int | None
    name: str


@dataclass(frozen=True)
class Stream:
    """A stream of a patient with what is stored of it. `name` tells it from the others of its metric."""

    stream_id: int
    metric: Metric
    source: str
    unit: str
    origin: str
    first_day: date
    last_day: date
    days: int
    seconds_covered: int
    readings: int
    excluded: int
    first_at: datetime.datetime
    usual_offset: int  # seconds by which local time is ahead of UTC
    devices: Sequence[DevicePeriod] = ()
    name: str = ""

    @property
    def conversion(self) -> Conversion:
        """How its values become values in the unit of its metric."""
        return get_conversion(self.metric.unit, self.unit)

    @property
    def coverage(self) -> float | None:
        """The share of the time from the first day to the last that readings cover; None for values of whole days."""
        if self.metric.kind == Metric.Kind.DAILY:
            return None
        return self.seconds_covered / (((self.last_day - self.first_day).days + 1) * DAY_SECONDS)

    @property
    def coverage_percent(self) -> int | None:
        return None if self.coverage is None else min(round(100 * self.coverage), 100)

    @property
    def known_devices(self) -> list[str]:
        return list(dict.fromkeys(period.name for period in self.devices if period.device_id))


def list_streams(patient: str) -> list[Stream]:
    """Return the streams with readings of a patient, sorted by metric, then by their first reading."""
    metrics = Metric.objects.in_bulk()
    with reading().cursor() as cursor:
        cursor.execute(_DEVICES, [patient])
        devices: dict[int, list[DevicePeriod]] = {}
        for stream_id, *period in cursor.fetchall():
            devices.setdefault(stream_id, []).append(DevicePeriod(*period))
        cursor.execute(_STREAMS, [patient])
        found = [Stream(number, metrics[metric], *rest) for number, metric, *rest in cursor.fetchall()]
    found = [replace(stream, devices=devices.get(stream.stream_id, [])) for stream in found]
    named = [replace(stream, name=_name(stream)) for stream in found]
    return sorted(_tell_apart(named), key=lambda stream: (stream.metric.label, stream.first_at, stream.stream_id))


def by_metric(streams: Iterable[Stream]) -> Mapping[Metric, list[Stream]]:
    """Return the streams of each metric, in their order."""
    grouped: dict[Metric, list[Stream]] = {}
    for stream in streams:
        grouped.setdefault(stream.metric, []).append(stream)
    return grouped


def _name(stream: Stream) -> str:
    """Return the device if it was always the same one, and otherwise the source."""
    if len(stream.devices) == 1 and stream.devices[0].device_id:
        return stream.devices[0].name
    return stream.source or "Unknown source"


def _tell_apart(streams: Sequence[Stream]) -> list[Stream]:
    """Return the streams with names that differ within each metric."""
    count = Counter((stream.metric, stream.name) for stream in streams)
    return [
        stream
        if count[stream.metric, stream.name] == 1
        else replace(stream, name=f"{stream.name} ({', '.join(filter(None, (stream.source, stream.unit)))})")
        if not stream.origin
        else replace(stream, name=f"{stream.name} ({stream.unit}, record {stream.origin})")
        for stream in streams
    ]


class Mark(NamedTuple):
    """A local time from which another device gives readings of a metric."""

    at: datetime.datetime
    name: str


def list_marks(streams: Sequence[Stream]) -> list[Mark]:
    """Return the changes of device among the streams of one metric, in the order of time; the first is not a change."""
    begins = sorted(
        (
            Mark(
                to_local(max(period.starts_at, stream.first_at), stream.usual_offset),
                period.name if period.device_id else stream.name,
            )
            for stream in streams
            for period in stream.devices or [DevicePeriod(BEGINNING, None, "")]
        ),
    )
    return [mark for before, mark in itertools.pairwise(begins) if mark.name != before.name]
