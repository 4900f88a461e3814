"""Collect the readings and episodes of data points."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import polars as pl

from healthtrack.imports.row_errors import RowError
from readings.formats.batch import COLUMNS, EPISODE_COLUMNS, LINE, Batch, complete
from readings.formats.documents import Document
from readings.formats.numbers import to_text
from readings.formats.open_mhealth.frames import Frame, is_within, read_frame
from readings.formats.open_mhealth.measures import (
    AMOUNTS,
    MEASURES,
    OF_ACTIVITIES,
    SENSOR_GLUCOSE,
    SLEEP_STAGES,
    Measure,
)

_BATCH_ROWS = 50_000
_ROW = ("patient_id", "metric", "start", "end", "value", "unit", "device")
_EPISODE = ("patient_id", "kind", "episode", "start", "end", "stage", "device")
_STATISTICS = "statistics of a period, such as averages"
_NO_POINT = "This is not a data point: it needs a header and a body, or at least a measure with its time frame."
# Names of schemas and measures: anything else could be about a person.
_NAME = re.compile(r"[a-z][a-z0-9_-]{1,60}")
# The summary of a day is not a workout.
_MAX_WORKOUT = timedelta(hours=23)


class Collector:
    """Collects data points until they are taken as a batch."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self.rows: list[tuple[Any, ...]] = []
        self.episodes: list[tuple[Any, ...]] = []
        self.errors: list[RowError] = []
        self.left_out: Counter[str] = Counter()
        self.size = 0

    @property
    def is_full(self) -> bool:
        return len(self.rows) + len(self.episodes) + len(self.errors) >= _BATCH_ROWS

    def take_batch(self) -> Batch:
        """Return what was collected, and begin again."""
        batch = Batch(
            complete(_to_frame(self.rows, _ROW), COLUMNS),
            self.errors,
            dict(self.left_out),
            complete(_to_frame(self.episodes, _EPISODE), EPISODE_COLUMNS) if self.episodes else None,
            self.size,
        )
        self._begin()
        return batch

    def add(self, document: Document) -> None:
        """Add the data points of a document: one, a series of one kind, or those that a server returned at once."""
        self.size += document.size
        found = 0
        for header, body in _find_points(document.content):
            found += 1
            _Point(self, document.number, header, body).add()
        if not found:
            reason = document.problem or _NO_POINT
            self.errors.append(RowError(reason, document.number, value=_show(document.content)))


def _find_points(content: Any) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Yield header and body of each data point. A body alone has an empty header."""
    if not isinstance(content, dict):
        return
    header, body = content.get("header"), content.get("body")
    if isinstance(header, dict) and isinstance(body, dict):
        yield header, body
    elif isinstance(body, list):
        for each in body:
            if isinstance(header, dict) and isinstance(each, dict):
                yield header, each
            else:
                yield from _find_points(each)
    elif "effective_time_frame" in content:
        yield {}, content


def _show(content: Any) -> str:
    text = ", ".join(map(str, content)) if isinstance(content, dict) else to_text(content)
    return (text or "")[:100]


def _to_frame(rows: list[tuple[Any, ...]], names: tuple[str, ...]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={LINE: pl.Int64, **dict.fromkeys(names, pl.String)}, orient="row")


class _Point:
    """One data point, which adds its readings to a collector."""

    def __init__(self, to: Collector, number: int, header: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        self.to, self.number, self.body = to, number, body
        schema = header.get("schema_id")
        self.schema = _get_text(schema.get("name")) or "" if isinstance(schema, dict) else ""
        self.patient = _get_text(header.get("user_id"))
        self.device = _find_source(header)
        self.frame = read_frame(body)

    def add(self) -> None:
        measures = {name: measure for name, measure in MEASURES.items() if name in self.body}
        statistic = self.body.get("descriptive_statistic")
        is_sum = statistic == "sum" and all(measure.metric in AMOUNTS for measure in measures.values())
        if statistic and not is_sum:
            self.to.left_out[_STATISTICS] += 1
            return
        for name, measure in measures.items():
            self._add_reading(measure, self.body[name])
        if "user_notes" in self.body:
            self.to.left_out["notes"] += 1
        if not (self._add_sleep() | self._add_activity()) and not measures:
            self.to.left_out[self._make_label()] += 1

    def _make_label(self) -> str:
        """Return what the data point is about: by its schema, or else by the first name in its body."""
        names = [self.schema, *(name for name in self.body if name != "effective_time_frame")]
        label = next(filter(_NAME.fullmatch, names), "other data points")
        return label.replace("-", " ").replace("_", " ")

    def _add_reading(self, measure: Measure, value: Any) -> None:
        number, unit = _read_value(measure, value)
        metric = measure.metric
        if metric == "blood_glucose" and self.body.get("specimen_source") == "interstitial fluid":
            metric = SENSOR_GLUCOSE
        self.to.rows.append((self.number, self.patient, metric, *self.frame, number, unit, self.device))

    def _add_sleep(self) -> bool:
        """Add a night, with its stages if there are some, and return whether it is one."""
        if "time_in_bed" in self.body:
            self._add_episode("sleep", self.frame, "in_bed")
            return True
        stages = self.body.get("sleep_stage_episodes")
        if isinstance(stages, list) and stages:
            for stage in stages:
                state = stage.get("sleep_stage_state") if isinstance(stage, dict) else None
                frame = read_frame(stage, "sleep_stage_time_frame") if isinstance(stage, dict) else Frame()
                self._add_episode("sleep", frame, SLEEP_STAGES.get(name := to_text(state) or "unknown", name))
            return True
        if self.schema == "sleep-episode":
            self._add_episode("sleep", self.frame, "asleep")
            return True
        return False

    def _add_activity(self) -> bool:
        """Add a workout and what was measured in it, and return whether it is one."""
        if "activity_name" not in self.body:
            return False
        for name, measure in OF_ACTIVITIES.items():
            if name in self.body:
                self._add_reading(measure, self.body[name])
        if is_within(self.frame, _MAX_WORKOUT):
            self._add_episode("workout", self.frame, _get_text(self.body["activity_name"]) or "")
        return True

    def _add_episode(self, kind: str, frame: Frame, stage: str) -> None:
        name = str(self.number) if kind == "sleep" else None
        self.to.episodes.append((self.number, self.patient, kind, name, *frame, stage, self.device))


def _read_value(measure: Measure, value: Any) -> tuple[str | None, str | None]:
    """Return number and unit of a measure as text. A unit that the standard does not have stays as it is."""
    if not isinstance(value, dict):
        return to_text(value), measure.unit or None
    unit = _get_text(value.get("unit"))
    return to_text(value.get("value")), measure.units.get(unit, unit) if unit else None


def _find_source(header: Mapping[str, Any]) -> str | None:
    """Return the source: by its name as in Open mHealth, or by the reference of a data sheet as in IEEE 1752.1."""
    provenance = header.get("acquisition_provenance")
    if isinstance(provenance, dict):
        return _get_text(provenance.get("source_name"))
    sheets = header.get("external_datasheets")
    for sheet in sheets if isinstance(sheets, list) else ():
        if isinstance(sheet, dict) and (text := _get_text(sheet.get("datasheet_reference"))):
            return text
    return None


def _get_text(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int) and value != "" else None
