"""The sources of readings by what was decided about their device, and the periods of a source."""

import datetime
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any, NamedTuple

from django.db import connection

from healthtrack.core.replicas.routing import reading
from readings.devices.decisions import Source

PAGE_SIZE = 25
MAX_STREAMS = 5000


class Show(StrEnum):
    """Which sources a list shows. The values are parameters of its address."""

    WAITING = "waiting"
    LEFT = "left"
    ASSIGNED = "assigned"


_CONDITIONS = {
    Show.WAITING: "period.decision = 'open'",
    Show.LEFT: "period.decision = 'person' AND period.device_id IS NULL",
    Show.ASSIGNED: "period.decision = 'person' AND period.device_id IS NOT NULL",
}
# Joins a period with the instant at which it ends, and with its readings: one row with their number, first and last.
_NEXT = """
    LEFT JOIN LATERAL (SELECT later.starts_at AS ends_at FROM stream_devices AS later
                        WHERE later.patient_id = period.patient_id AND later.stream_id = period.stream_id
                          AND later.starts_at > period.starts_at ORDER BY later.starts_at LIMIT 1) AS next ON true
"""
_IN_PERIOD = """
    own.patient_id = period.patient_id AND own.stream_id = period.stream_id
    AND own.day >= (period.starts_at AT TIME ZONE 'UTC')::date - 1
    AND own.day <= coalesce((next.ends_at AT TIME ZONE 'UTC')::date, date 'infinity') + 1
    AND own.{instant} >= period.starts_at AND own.{instant} < coalesce(next.ends_at, 'infinity')
"""
_DAYS, _EPISODES = _IN_PERIOD.format(instant="first_at"), _IN_PERIOD.format(instant="starts_at")
_HIDDEN = """
    period.patient_id LIKE 'deleted/%%' OR coalesce((
        SELECT NOT is_given FROM reading_consents AS consent
         WHERE consent.patient_id = period.patient_id ORDER BY since DESC LIMIT 1), false)
"""
_FOUND = f"""
    SELECT period.patient_id, stream.source, stream.model, period.stream_id
      FROM stream_devices AS period
      JOIN reading_streams AS stream ON stream.patient_id = period.patient_id AND stream.stream_id = period.stream_id
           {_NEXT}
     WHERE {{condition}} AND NOT ({_HIDDEN})
       AND (period.patient_id = %(search)s OR lower(stream.source || ' ' || stream.model) LIKE ALL (%(words)s))
       AND (EXISTS (SELECT FROM reading_days AS own WHERE {_DAYS})
            OR EXISTS (SELECT FROM episodes AS own WHERE {_EPISODES}))
     ORDER BY period.patient_id, period.stream_id LIMIT {MAX_STREAMS}
"""  # noqa: S608 (constants of this module)
_LIST = f"""
    WITH found AS ({_FOUND}), sources AS (SELECT DISTINCT patient_id, source, model FROM found)
    SELECT patient_id, source, model, count(*) OVER (), (SELECT count(*) FROM found) FROM sources
     ORDER BY patient_id, source, model OFFSET %(offset)s LIMIT %(limit)s
"""  # noqa: S608 (constants of this module)
_COUNT = f"""
    WITH found AS ({_FOUND})
    SELECT count(DISTINCT (patient_id, source, model)), count(DISTINCT patient_id), count(*) FROM found
"""  # noqa: S608 (constants of this module)
_PERIODS = f"""
    SELECT stream.patient_id, stream.source, stream.model, period.stream_id, metric.label, period.starts_at,
           next.ends_at, period.device_id, period.decision, period.decided_by_id, counted.readings, counted.first_day,
           counted.last_day
      FROM unnest(%(patients)s::text[], %(names)s::text[], %(models)s::text[]) AS source (patient_id, name, model)
      JOIN reading_streams AS stream ON stream.patient_id = source.patient_id AND stream.source = source.name
       AND stream.model = source.model
      JOIN metrics AS metric USING (metric_id)
      JOIN stream_devices AS period ON period.patient_id = stream.patient_id AND period.stream_id = stream.stream_id
           {_NEXT}
     CROSS JOIN LATERAL (
           SELECT coalesce(sum(readings), 0)::bigint AS readings, min(first_day) AS first_day, max(last_day) AS last_day
             FROM (SELECT sum(reading_count) AS readings, min(day) AS first_day, max(day) AS last_day
                     FROM reading_days AS own WHERE {_DAYS}
                   UNION ALL
                   SELECT count(*), min(day), max(day) FROM episodes AS own WHERE {_EPISODES}) AS both_kinds
           ) AS counted
     ORDER BY stream.patient_id, stream.source, stream.model, period.starts_at, metric.label
"""  # noqa: S608 (constants of this module)


class Period(NamedTuple):
    """A period of a stream, its device, how that was decided, and how many readings it has."""

    patient_id: str
    name: str
    model: str
    stream_id: int
    metric: str
    starts_at: datetime.datetime
    ends_at: datetime.datetime | None
    device_id: int | None
    decision: str
    decided_by_id: int | None
    readings: int
    first_day: datetime.date | None  # of the patient, as is the last one
    last_day: datetime.date | None

    @property
    def source(self) -> Source:
        return Source(self.patient_id, self.name, self.model)

    def is_shown_by(self, show: Show) -> bool:
        if show is Show.WAITING:
            return self.decision == "open"
        return self.decision == "person" and (self.device_id is None) == (show is Show.LEFT)


@dataclass(frozen=True)
class Summary:
    """Periods of one source, taken together: their metrics, readings, first and last day."""

    source: Source
    periods: Sequence[Period]

    @property
    def stream_id(self) -> int:
        """Return the number by which addresses name the source: that of its first stream."""
        return min(period.stream_id for period in self.periods)

    @property
    def metrics(self) -> list[str]:
        return sorted({period.metric for period in self.periods})

    @property
    def readings(self) -> int:
        return sum(period.readings for period in self.periods)

    @property
    def first_day(self) -> datetime.date | None:
        return min((period.first_day for period in self.periods if period.first_day), default=None)

    @property
    def last_day(self) -> datetime.date | None:
        return max((period.last_day for period in self.periods if period.last_day), default=None)

    @property
    def devices(self) -> set[int]:
        return {period.device_id for period in self.periods if period.device_id}


class Found(NamedTuple):
    """A page of sources, how many there are, and whether counting stopped at its limit."""

    sources: list[Summary]
    total: int
    or_more: bool


class Counted(NamedTuple):
    """How many sources wait for a decision, of how many patients, and whether counting stopped at its limit."""

    sources: int
    patients: int
    or_more: bool


def list_sources(show: Show, search: str = "", page: int = 1) -> Found:
    """Return a page of the sources, by patient and name.

    With a `search`, they have the patient number, or all of its words in their name or model.
    """
    values = {**_get_search(search), "offset": (page - 1) * PAGE_SIZE, "limit": PAGE_SIZE}
    with reading().cursor() as cursor:
        cursor.execute(_LIST.format(condition=_CONDITIONS[show]), values)
        rows = cursor.fetchall()
    sources = [Source(*row[:3]) for row in rows]
    periods = [period for period in fetch_periods(sources) if period.is_shown_by(show) and period.readings]
    by_source = {source: list(own) for source, own in groupby(periods, key=lambda period: period.source)}
    total, streams = rows[0][3:] if rows else (0, 0)
    found = [Summary(source, by_source[source]) for source in sources if source in by_source]
    return Found(found, total, streams == MAX_STREAMS)


def count_waiting() -> Counted:
    with reading().cursor() as cursor:
        cursor.execute(_COUNT.format(condition=_CONDITIONS[Show.WAITING]), _get_search(""))
        sources, patients, streams = cursor.fetchone()
    return Counted(sources, patients, streams == MAX_STREAMS)


def fetch_periods(sources: Collection[Source]) -> list[Period]:
    """Return all periods of the streams of these sources, by source and time."""
    patients, names, models = ([source[place] for source in sources] for place in range(3))
    with reading().cursor() as cursor:
        cursor.execute(_PERIODS, {"patients": patients, "names": names, "models": models})
        return [Period(*row) for row in cursor.fetchall()]


def _get_search(search: str) -> dict[str, Any]:
    words = [f"%{connection.ops.prep_for_like_query(word)}%" for word in search.lower().split()]
    return {"search": search, "words": words}
