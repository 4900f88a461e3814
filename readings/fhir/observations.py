"""Readings as Observations of FHIR R4, for exports of records: series at equal gaps as samples, others one by one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple

from django.db import connections, transaction

from healthtrack.core.replicas.routing import get_stream_alias
from patients.fhir.writing import Resource, make_id, refer_to_patient
from readings.formats.fhir.codes import INTERVALS, LOINC, METRICS, OWN, UCUM
from readings.models import Metric

MAX_SAMPLES = 2_000
_MIN_SAMPLES = 3
_ROWS_PER_FETCH = 2_000
_READINGS = """
    SELECT stream_id, metric, at, ends_at, utc_offset, value, unit, source FROM readings
     WHERE patient_id = %s ORDER BY stream_id, at
"""


class _Reading(NamedTuple):
    stream_id: int
    metric: str
    at: datetime
    ends_at: datetime | None
    utc_offset: int
    value: Decimal
    unit: str
    source: str

    def write_time(self, moment: datetime) -> str:
        return moment.astimezone(timezone(timedelta(seconds=self.utc_offset))).isoformat()


def make_observations(numbers: Sequence[str]) -> Mapping[str, Iterable[Resource]]:
    """Return the readings of these patients, by patient number; they are read as they are sent."""
    codes = {metric.code: _make_coding(metric) for metric in Metric.objects.all()}
    return {number: _iterate(number, codes) for number in numbers}


def _make_coding(metric: Metric) -> Resource:
    if METRICS.get(metric.loinc) == metric.code:
        return {"system": LOINC, "code": metric.loinc}
    return {"system": OWN, "code": metric.code, "display": metric.label}


def _iterate(number: str, codes: Mapping[str, Resource]) -> Iterator[Resource]:
    """Yield the Observations of a patient. Each has a query of its own, because a patient may have millions."""
    alias = get_stream_alias()
    with transaction.atomic(using=alias), connections[alias].chunked_cursor() as cursor:
        cursor.execute(_READINGS, [number])
        readings = (_Reading(*row) for rows in iter(lambda: cursor.fetchmany(_ROWS_PER_FETCH), []) for row in rows)
        for _, stream in groupby(readings, key=lambda reading: reading.stream_id):
            for series in _divide(stream):
                if len(series) >= _MIN_SAMPLES:
                    yield _begin(number, codes, series[0]) | _make_samples(series)
                else:
                    yield from (_begin(number, codes, each) | _make_quantity(each) for each in series)


def _divide(readings: Iterable[_Reading]) -> Iterator[list[_Reading]]:
    """Yield series of instants at equal gaps of whole milliseconds, and whatever is between them."""
    series: list[_Reading] = []
    for reading in readings:
        if series and not _continues(series, reading):
            yield series
            series = []
        series.append(reading)
    if series:
        yield series


def _continues(series: Sequence[_Reading], reading: _Reading) -> bool:
    last = series[-1]
    gap = reading.at - last.at
    if reading.ends_at or last.ends_at or reading.metric in INTERVALS or gap % timedelta(milliseconds=1):
        return False
    is_even = len(series) == 1 or gap == last.at - series[-2].at
    return is_even and reading.utc_offset == last.utc_offset and len(series) < MAX_SAMPLES


def _begin(number: str, codes: Mapping[str, Resource], reading: _Reading) -> Resource:
    return {
        "resourceType": "Observation",
        "id": make_id("Observation", number, reading.stream_id, reading.at.isoformat()),
        "status": "final",
        "code": {"coding": [codes[reading.metric]], "text": reading.metric},
        "subject": refer_to_patient(number),
        **({"device": {"display": reading.source}} if reading.source else {}),
    }


def _make_samples(series: Sequence[_Reading]) -> Resource:
    first = series[0]
    period = (series[1].at - first.at) // timedelta(milliseconds=1)
    times = {"start": first.write_time(first.at), "end": first.write_time(series[-1].at)}
    return {
        "effectivePeriod": times,
        "valueSampledData": {
            "origin": {"value": 0, **_write_unit(first)},
            "period": period,
            "dimensions": 1,
            "data": " ".join(f"{reading.value:f}" for reading in series),
        },
    }


def _make_quantity(reading: _Reading) -> Resource:
    start, value = reading.write_time(reading.at), reading.value
    number = int(value) if value == value.to_integral_value() else float(value)
    quantity = {"valueQuantity": {"value": number, **_write_unit(reading)}}
    if reading.ends_at:
        return {"effectivePeriod": {"start": start, "end": reading.write_time(reading.ends_at)}, **quantity}
    return {"effectiveDateTime": start, **quantity}


def _write_unit(reading: _Reading) -> Resource:
    return {"unit": reading.unit, "system": UCUM, "code": reading.unit}
