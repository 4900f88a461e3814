"""The readings of a period as figures: of columns as wide as a pixel, of hours, of days and of months.

All of them are in the units of their metrics, and without excluded readings. `x` is a position in the period from 0 to
1, by the patient's local time.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from healthtrack.core.replicas.routing import reading
from readings.charts.periods import Period
from readings.charts.streams import Stream
from readings.models import Metric
from readings.store.blocks import Block
from readings.store.columns import DAY_SECONDS, MICROSECONDS
from readings.store.exclusions import leave_out
from readings.store.packing import unpack
from readings.store.rows import fetch, select_packed

MAX_POINTS = 2000  # in one chart
_EPOCH = date(1970, 1, 1)
_POINTS_OF_COLUMN = 3  # lowest, mean and highest value
_MAX_COLUMNS = 600  # about as many as a chart has pixels
_WHERE = """
      FROM reading_days AS rows
     WHERE patient_id = %(patient)s AND stream_id = ANY (%(streams)s) AND day >= %(first)s AND day < %(after)s
"""
_DAYS = f"""
    SELECT stream_id, day - %(first)s, min(lowest), max(highest), sum(total), sum(counted), sum(seconds_covered)
    {_WHERE} AND counted > 0 GROUP BY stream_id, day ORDER BY stream_id, day
"""
# The figures of a part of the period, for one stream. `part` counts the hours, days or months of the period.
FIGURES = pl.Schema(
    {
        "stream": pl.Int32,
        "part": pl.Int32,
        "low": pl.Float64,
        "high": pl.Float64,
        "total": pl.Float64,
        "count": pl.Int64,
        "covered": pl.Int64,
        "days": pl.Int32,
    }
)


def fetch_days(patient: str, streams: Sequence[Stream], period: Period) -> pl.DataFrame:
    """Return `FIGURES` for each day with readings that count, from the figures of the day rows."""
    with reading().cursor() as cursor:
        cursor.execute(_DAYS, _values(patient, streams, period))
        rows = [(*row, 1) for row in cursor.fetchall()]
    days = pl.DataFrame(rows, schema=FIGURES, orient="row")
    return _convert(days, streams, ["low", "high"], "total")


def fetch_exact(patient: str, streams: Sequence[Stream], period: Period) -> pl.DataFrame:
    """Return the readings of a period that count, as `READINGS`, in the order of time."""
    values = _values(patient, streams, period)
    with reading().cursor() as cursor:
        packed = fetch(cursor, f"SELECT {select_packed('rows.stream_id')} {_WHERE}", values)
        numbers = values["streams"]
        block = Block([patient] * len(numbers), numbers, [period.first] * len(numbers))
        return leave_out(cursor, block, unpack(packed)).sort("at", "stream")


def fetch_readings(patient: str, streams: Sequence[Stream], period: Period) -> pl.DataFrame:
    """Return the readings of a period that count, in the order of time: `stream`, `at`, `x` and `value`."""
    readings = fetch_exact(patient, streams, period)
    midnight = (period.first - _EPOCH).days * DAY_SECONDS * MICROSECONDS
    local = pl.col("at") + pl.col("utc_offset").cast(pl.Int64) * MICROSECONDS
    placed = readings.select(
        "stream",
        "at",
        x=(local - midnight) / (period.days * DAY_SECONDS * MICROSECONDS),
        value=pl.col("value") / pl.lit(10.0).pow(pl.col("decimals")),
    )
    return _convert(placed, streams, ["value"])


def draw_columns(readings: pl.DataFrame, series: int) -> pl.DataFrame:
    """Return the points of a chart with so many series: `stream`, `x`, `low`, `high`, `mean`, and whether it `begins`.

    A point unites the readings of a column as wide as a pixel. It begins a line where more than twice the usual time
    has passed since the reading before: one missing reading is not a gap, two are.
    """
    columns = min(_MAX_COLUMNS, MAX_POINTS // (_POINTS_OF_COLUMN * max(series, 1)))
    gap = (pl.col("x") - pl.col("x").shift(1)).over("stream")
    marked = readings.with_columns(gap=gap, column=(pl.col("x") * columns).floor().cast(pl.Int32))
    usual = marked.group_by("stream").agg(usual=pl.col("gap").median())
    points = marked.group_by("stream", "column", maintain_order=True).agg(
        first=pl.col("x").min(),
        last=pl.col("x").max(),
        x=pl.col("x").mean(),
        low=pl.col("value").min(),
        high=pl.col("value").max(),
        mean=pl.col("value").mean(),
    )
    points = points.sort("stream", "column").join(usual, on="stream", how="left", maintain_order="left")
    passed = (pl.col("first") - pl.col("last").shift(1)).over("stream")
    allowed = pl.max_horizontal(pl.col("usual") * 2 + 1e-9, 1 / columns)
    return points.select("stream", "x", "low", "high", "mean", begins=(passed > allowed).fill_null(value=True))


def draw_days(days: pl.DataFrame, period: Period) -> pl.DataFrame:
    """Return the points of a chart like `draw_columns`, one for each day; missing days are gaps in daily readings."""
    passed = (pl.col("part") - pl.col("part").shift(1)).over("stream")
    usual = passed.quantile(0.25, "lower").over("stream")
    return days.select(
        "stream",
        "low",
        "high",
        x=(pl.col("part") + 0.5) / period.days,
        mean=pl.col("total") / pl.col("count"),
        begins=(passed > 1.5 * usual).fill_null(value=True),
    )


def sum_hours(readings: pl.DataFrame) -> pl.DataFrame:
    """Return `FIGURES` for each hour of a day; an interval belongs to the hour in which it begins."""
    hours = readings.with_columns(part=(pl.col("x") * 24).floor().cast(pl.Int32))
    return hours.group_by("stream", "part", maintain_order=True).agg(
        low=pl.col("value").min(),
        high=pl.col("value").max(),
        total=pl.col("value").sum(),
        count=pl.len().cast(pl.Int64),
        covered=pl.lit(0, pl.Int64),
        days=pl.lit(1, pl.Int32),
    )


def sum_months(days: pl.DataFrame, period: Period) -> pl.DataFrame:
    """Return `FIGURES` for each month of a year."""
    day = pl.lit(period.first) + pl.duration(days="part")
    months = days.with_columns(part=day.dt.month().cast(pl.Int32) - 1)
    return _unite(months, ["stream", "part"])


def sum_period(days: pl.DataFrame) -> pl.DataFrame:
    """Return `FIGURES` for the whole period."""
    return _unite(days.with_columns(part=pl.lit(0, pl.Int32)), ["stream", "part"])


def _unite(rows: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    return rows.group_by(key, maintain_order=True).agg(
        pl.col("low").min(),
        pl.col("high").max(),
        pl.col("total").sum(),
        pl.col("count").sum(),
        pl.col("covered").sum(),
        pl.col("days").sum(),
    )


def _values(patient: str, streams: Sequence[Stream], period: Period) -> dict[str, Any]:
    numbers = [stream.stream_id for stream in streams]
    return {"patient": patient, "streams": numbers, "first": period.first, "after": period.after}


def _convert(rows: pl.DataFrame, streams: Sequence[Stream], values: Sequence[str], total: str = "") -> pl.DataFrame:
    """Return the rows with values, and a column of sums of `count` values, in the units of the metrics."""
    others = [stream for stream in streams if stream.unit != stream.metric.unit]
    if not others:
        return rows
    factor, addend = (
        pl.col("stream").replace_strict(
            {stream.stream_id: getattr(stream.conversion, name) for stream in others},
            default=default,
            return_dtype=pl.Float64,
        )
        for name, default in (("factor", 1.0), ("addend", 0.0))
    )
    converted = [(pl.col(name) * factor + addend).alias(name) for name in values]
    if total:
        converted.append((pl.col(total) * factor + addend * pl.col("count")).alias(total))
    return rows.with_columns(converted)


def needs_readings(stream: Stream, period: Period) -> bool:
    """Return whether the chart of a stream needs its single readings, and not only the figures of days."""
    if stream.metric.kind == Metric.Kind.INTERVAL:
        return period.span == "day"
    return period.is_detailed and stream.metric.kind == Metric.Kind.INSTANT
