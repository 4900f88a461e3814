"""The lists (JSON) of an export: one measurement, night or workout after the other, with times without a zone."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson
import polars as pl

from healthtrack.imports.opening import Part
from healthtrack.imports.row_errors import RowError
from readings.formats.batch import EPISODE_COLUMNS, LINE, Batch, complete
from readings.formats.chunks import read_chunks
from readings.formats.documents import read_documents
from readings.formats.fitbit_takeout.names import find_stem
from readings.formats.fitbit_takeout.tables import SOURCE, add_seconds

_BATCH_ENTRIES = 50_000
_BEGINNING = re.compile(rb'\s*\[\s*\{\s*"(dateTime|logId)"\s*:')
_US_TIME = r"^(\d\d)/(\d\d)/(\d\d) (\d\d:\d\d:\d\d)$"
_CLASSIC = {"asleep": "asleep", "restless": "restless", "awake": "awake"}
_STAGES = {"wake": "awake", "light": "light", "deep": "deep", "rem": "rem", **_CLASSIC}
Entry = Mapping[str, Any]


class List(NamedTuple):
    """A kind of list: what it contains, its metric and unit. `inner` is the name of the value within the value."""

    content: str
    metric: str = ""
    unit: str | None = None
    inner: str = ""
    seconds: int = 0
    is_daily: bool = False


_BY_NAME = {
    "heart_rate": List("heart rate", "heart_rate", "/min", "bpm"),
    "steps": List("steps", "steps", "{steps}", seconds=60),
    "distance": List("distance", "distance", "cm", seconds=60),
    "resting_heart_rate": List("resting heart rate", "resting_heart_rate", "/min", "value", is_daily=True),
    "sleep": List("sleep"),
    "exercise": List("workouts"),
    "weight": List("weight", "weight"),
}
# Names of lists that are not imported, and what they contain.
_OTHER = {
    "calories": "energy including that at rest",
    "altitude": "altitude",
    "sedentary_minutes": "minutes of activity",
    "lightly_active_minutes": "minutes of activity",
    "moderately_active_minutes": "minutes of activity",
    "very_active_minutes": "minutes of activity",
    "time_in_heart_rate_zones": "heart rate zones",
    "heart_rate_zones": "heart rate zones",
    "demographic_vo": "VO2 max",
    "swim_lengths_data": "lengths of swimming",
}


def is_list(part: Part) -> bool:
    """Return whether a part is a list as Fitbit writes it."""
    return bool(_BEGINNING.match(part.beginning))


def find_list(part: Part) -> List | None:
    """Return the kind of a list. The entries of several kinds look the same, so the name of the file says which."""
    if not is_list(part):
        return None
    stem = find_stem(part.name)
    return _BY_NAME.get(stem) or List(_OTHER.get(stem, "lists of other kinds"))


def read_list(part: Part, found: List) -> Iterator[Batch]:
    """Yield the entries. One that is damaged is an error. Raise FileError if an entry is larger than any of Fitbit."""
    for chunk in read_chunks(read_documents(part), _BATCH_ENTRIES):
        errors = [RowError(each.problem, each.number) for each in chunk if each.problem]
        made = _make_batch([(each.number, each.content) for each in chunk if not each.problem], found)
        size = sum(each.size for each in chunk)
        yield Batch(made.rows, [*made.errors, *errors], made.left_out, made.episodes, size, part, position="entry")


def _make_batch(entries: Sequence[tuple[int, Any]], found: List) -> Batch:
    readers: Mapping[str, Callable[[int, Entry], list[tuple[object, ...]]]] = {
        "sleep": _read_night,
        "workouts": _read_workout,
    }
    if read := readers.get(found.content):
        rows, errors = _read_each(entries, read)
        names = ("episode", "kind", "start", "end", "stage")
        table = pl.DataFrame(rows, schema={LINE: pl.Int64, **dict.fromkeys(names, pl.String)}, orient="row")
        return Batch(errors=errors, episodes=complete(table.with_columns(device=pl.lit(SOURCE)), EPISODE_COLUMNS))
    if not found.metric:
        return Batch(left_out={found.content: len(entries)})
    rows, errors = _read_each(entries, lambda number, entry: _read_value(number, entry, found))
    schema = {LINE: pl.Int64, "start": pl.String, "value": pl.String}
    table = pl.DataFrame(rows, schema=schema, orient="row")
    left_out = {}
    if found.is_daily:
        is_missing = pl.col("value").cast(pl.Float64, strict=False) == 0
        left_out = {f"{found.content} without a value": len(table.filter(is_missing))}
        table = table.filter(is_missing.fill_null(value=False).not_())
    # Years of two digits are in this century: Fitbit was founded in 2007.
    start = pl.col("start").str.replace(_US_TIME, "20${3}-${1}-${2}T${4}")
    made = table.with_columns(
        start=start, metric=pl.lit(found.metric), unit=pl.lit(found.unit, pl.String), device=pl.lit(SOURCE)
    )
    if found.seconds:
        made = made.with_columns(end=add_seconds(pl.col("start"), found.seconds))
    return Batch(complete(made), errors, left_out)


def _read_each(
    entries: Sequence[tuple[int, Any]], read: Callable[[int, Entry], list[tuple[object, ...]]]
) -> tuple[list[tuple[object, ...]], list[RowError]]:
    rows, errors = [], []
    for number, entry in entries:
        try:
            rows += read(number, entry)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            shown = orjson.dumps(entry).decode("utf-8", "replace")[:101]
            errors.append(RowError("The entry is not of the kind that the name of the file says.", number, "", shown))
    return rows, errors


def _read_value(number: int, entry: Entry, found: List) -> list[tuple[object, ...]]:
    if found.metric == "weight":
        return [(number, f"{entry['date']} {entry['time']}", _to_text(entry["weight"]))]
    value = entry["value"]
    return [(number, entry["dateTime"], _to_text(value[found.inner] if found.inner else value))]


def _to_text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError
    return str(value)


def _read_night(number: int, entry: Entry) -> list[tuple[object, ...]]:
    name = str(entry["logId"])
    rows: list[tuple[object, ...]] = [(number, name, "sleep", entry["startTime"], entry["endTime"], "in_bed")]
    levels = entry.get("levels", {})
    for stage in [*levels.get("data", []), *levels.get("shortData", [])]:
        begin = datetime.fromisoformat(stage["dateTime"])
        end = begin + timedelta(seconds=stage["seconds"])
        rows.append(
            (number, name, "sleep", begin.isoformat(), end.isoformat(), _STAGES.get(stage["level"], stage["level"]))
        )
    return rows


def _read_workout(number: int, entry: Entry) -> list[tuple[object, ...]]:
    begin = datetime.strptime(entry["startTime"], "%m/%d/%y %H:%M:%S")  # noqa: DTZ007 (it has no zone)
    end = begin + timedelta(milliseconds=entry["duration"])
    sport = str(entry.get("activityName", "")).lower()
    return [(number, str(entry["logId"]), "workout", begin.isoformat(), end.isoformat(), sport)]
