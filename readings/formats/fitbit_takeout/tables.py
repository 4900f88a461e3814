"""The tables (CSV) of an export, which are recognized by their headers."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import polars as pl

from healthtrack.imports.opening import Part, open_part
from readings.formats.batch import EPISODE_COLUMNS, LINE, PROVEN, Batch, complete
from readings.formats.blocks import BOM, chain, parse_csv, read_blocks
from readings.formats.fitbit_takeout.names import find_stem
from readings.formats.tables import split_cells

SOURCE = "Fitbit"
_SOURCE_COLUMN = "data source"
_MINUTE = 60


class Table(NamedTuple):
    """A kind of table: what it contains, its metric and unit, and the column of the values.

    Of two kinds with the same content, the one of lower rank is read. `seconds` is the length of its intervals. Tables
    without a metric have nights (`stage` is the column of stages, if they have some), or are not imported.
    """

    content: str
    rank: int = 0
    metric: str = ""
    unit: str = ""
    value: str = ""
    seconds: int = 0
    is_daily: bool = False
    stage: str | None = None


_RATE = "beats per minute"
# By the columns that a table must have.
_BY_HEADER: Mapping[tuple[str, ...], Table] = {
    ("timestamp", "steps"): Table("steps", 0, "steps", "{steps}", "steps", _MINUTE),
    ("timestamp", "distance"): Table("distance", 0, "distance", "m", "distance", _MINUTE),
    ("timestamp", "oxygen saturation percentage"): Table(
        "oxygen saturation", 0, "oxygen_saturation", "%", "oxygen saturation percentage"
    ),
    ("timestamp", "root mean square of successive differences milliseconds"): Table(
        "heart rate variability", 0, "hrv_rmssd", "ms", "root mean square of successive differences milliseconds"
    ),
    ("timestamp", "root mean square of successive differences ms"): Table(
        "heart rate variability", 0, "hrv_rmssd", "ms", "root mean square of successive differences ms"
    ),
    ("timestamp", "rmssd", "coverage"): Table("heart rate variability", 1, "hrv_rmssd", "ms", "rmssd"),
    ("timestamp", "weight grams"): Table("weight", 0, "weight", "g", "weight grams"),
    ("timestamp", "height millimeters"): Table("height", 0, "height", "mm", "height millimeters"),
    ("sleep_id", "sleep_start", "sleep_end"): Table("sleep"),
    ("sleep_id", "sleep_stage_start", "sleep_stage_end"): Table("sleep", stage="sleep_stage_type"),
}
# These have the same header, so the name of the file counts, too. Of daily values the first two kinds are the same.
_RATES = {
    "heart_rate": Table("heart rate", 0, "heart_rate", "/min", _RATE),
    "daily_resting_heart_rate": Table("resting heart rate", 0, "resting_heart_rate", "/min", _RATE, is_daily=True),
    "resting_heart_rate": Table("resting heart rate", 1, "resting_heart_rate", "/min", _RATE, is_daily=True),
}
_MINUTE_OXYGEN = Table("oxygen saturation", 1, "oxygen_saturation", "%", "value")
# What people need not know of as measurements that are missing: other forms of them, sums and scores.
_OTHER = {
    ("timestamp", "calories"): "energy including that at rest",
    ("sleep_log_entry_id", "overall_score"): "scores of sleep",
    ("timestamp", "average_value", "lower_bound"): "summaries of oxygen saturation",
    ("timestamp", "infrared to red signal ratio"): "signals of oxygen saturation",
    ("timestamp", "nremhr"): "summaries of heart rate variability",
    ("timestamp", "daily_respiratory_rate"): "summaries of respiratory rate",
    ("timestamp", "latitude", "longitude"): "routes",
}
_STAGES = {
    "AWAKE": "awake",
    "WAKE": "awake",
    "LIGHT": "light",
    "DEEP": "deep",
    "REM": "rem",
    "ASLEEP": "asleep",
    "RESTLESS": "restless",
}
# Sensors that are not sure write this value; nothing below it occurs.
_FLOOR_OF_OXYGEN = 50


def find_table(part: Part) -> Table | None:
    """Return the kind of a table by its header; None if it is none of an export."""
    columns = _read_header(part.beginning)
    if not columns or "," not in part.beginning[:4096].decode("utf-8", "replace"):
        return None
    if columns[:2] == ["timestamp", _RATE]:
        return _RATES.get(find_stem(part.name))
    if columns == ["timestamp", "value"] and find_stem(part.name).startswith("minute spo"):
        return _MINUTE_OXYGEN
    for needed, table in _BY_HEADER.items():
        if columns[0] == needed[0] and set(needed).issubset(columns):
            return table
    for needed, label in _OTHER.items():
        if columns[0] == needed[0] and set(needed).issubset(columns):
            return Table(label)
    return None


def _read_header(beginning: bytes) -> list[str]:
    line = beginning.removeprefix(BOM).partition(b"\n")[0].decode("utf-8", "replace").rstrip("\r")
    return [cell.strip().lower() for cell in split_cells(line[:4096])]


def read_table(part: Part, table: Table) -> Iterator[Batch]:
    """Yield the rows of a table. Raise FileError if the part is damaged."""
    names = _read_header(part.beginning)
    columns = [name if names.index(name) == place else f"{name} {place}" for place, name in enumerate(names)]
    with open_part(part) as stream:
        blocks = read_blocks(stream, part)
        line = 2
        for block in chain(next(blocks, b"").partition(b"\n")[2], blocks):
            rows, errors = parse_csv(block, columns, line)
            line += block.count(b"\n")
            made = _make_batch(rows, table)
            yield Batch(made.rows, errors, made.left_out, made.episodes, len(block), part)


def _make_batch(rows: pl.DataFrame, table: Table) -> Batch:
    if table.metric:
        return _make_readings(rows, table)
    if table.content == "sleep":
        return Batch(episodes=_make_nights(rows, table))
    return Batch(left_out={table.content: len(rows)})


def _make_readings(rows: pl.DataFrame, table: Table) -> Batch:
    value = pl.col(table.value)
    number = value.cast(pl.Float64, strict=False)
    left_out: Counter[str] = Counter()
    none = number == 0 if table.is_daily else number == _FLOOR_OF_OXYGEN
    if table.is_daily or table.metric == "oxygen_saturation":
        left_out[f"{table.content} without a value"] += len(rows.filter(none))
        rows = rows.filter(none.fill_null(value=False).not_())
    start = pl.col("timestamp").str.replace(" ", "T", literal=True)
    if table.is_daily:
        # The day is meant, not midnight in Greenwich.
        start = start.str.replace(r"T00:00:00(\.0+)?Z$", "T00:00:00").str.replace(
            r"^(\d{4}-\d\d-\d\d)$", "${1}T00:00:00"
        )
    source = pl.col(_SOURCE_COLUMN) if _SOURCE_COLUMN in rows.columns else pl.lit(None, pl.String)
    made = rows.select(
        LINE,
        metric=pl.lit(table.metric),
        start=start,
        value=value,
        unit=pl.lit(table.unit),
        device=source.fill_null(SOURCE),
    )
    if table.seconds:
        made = made.with_columns(end=add_seconds(pl.col("start"), table.seconds))
    return Batch(complete(made), left_out=left_out)


def add_seconds(start: pl.Expr, seconds: int) -> pl.Expr:
    """Return times in ISO 8601 that are so many seconds later; invalid times stay as they are."""
    later = start.str.slice(0, 19).str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False) + pl.duration(seconds=seconds)
    return (later.dt.strftime("%Y-%m-%dT%H:%M:%S") + start.str.slice(19)).fill_null(start)


def _make_nights(rows: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Return the nights, or their stages, in local time: the tables have UTC and the offset beside it."""
    prefix = "sleep_stage" if table.stage else "sleep"
    times = {
        end: _localize(pl.col(f"{prefix}_{end}"), pl.col(f"{end}_utc_offset"))
        if f"{end}_utc_offset" in rows.columns
        else pl.col(f"{prefix}_{end}")
        for end in ("start", "end")
    }
    stage = pl.col(table.stage).str.to_uppercase() if table.stage else pl.lit("")
    named = {**_STAGES, "": "in_bed"}
    return complete(
        rows.select(
            LINE,
            kind=pl.lit("sleep"),
            episode=pl.col("sleep_id"),
            stage=stage.replace(named),
            device=pl.lit(SOURCE),
            **times,
        ).with_columns(pl.lit(value=True).alias(PROVEN)),
        EPISODE_COLUMNS,
    )


def _localize(time: pl.Expr, offset: pl.Expr) -> pl.Expr:
    """Return times in UTC with their offset, such as +02:00; others as they are."""
    clean = time.str.replace(" ", "T", literal=True).str.replace(r"(\.\d+)?(Z|[+]00:?00)$", "Z")
    moment = clean.str.to_datetime("%Y-%m-%dT%H:%M:%SZ", strict=False)
    sign = pl.when(offset.str.starts_with("-")).then(-1).otherwise(1)
    hours, minutes = (
        offset.str.extract(r"^[+-](\d\d):?(\d\d)", group).cast(pl.Int32, strict=False) for group in (1, 2)
    )
    local = moment + pl.duration(minutes=sign * (hours * 60 + minutes))
    written = local.dt.strftime("%Y-%m-%dT%H:%M:%S") + offset.str.replace(r"^([+-]\d\d):?(\d\d).*$", "${1}:${2}")
    return written.fill_null(time)
