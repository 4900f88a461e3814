"""The words and numbers of charts: the figures of a period, and of its hours, days or months."""

import calendar
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple

import polars as pl
from django.utils.dateformat import format as format_date

from healthtrack.core.date_formats import get_date_format
from readings.charts.periods import Period
from readings.charts.streams import DAY_SECONDS, Stream
from readings.models import Metric


class TableRow(NamedTuple):
    """The figures of an hour, a day or a month, of one stream; `number` is its place in the period."""

    number: int
    part: str
    series: str
    cells: Sequence[str]


class Fact(NamedTuple):
    """What a stream comes to in the whole period; `coverage` in per cent, None for values of whole days."""

    series: str
    text: str
    coverage: int | None


def get_columns(metric: Metric, period: Period) -> Sequence[str]:
    """Return the headings of the figures in the rows of a table."""
    if metric.kind == Metric.Kind.INTERVAL:
        return ["Mean of a day" if period.span == "year" else "Sum", "Readings"]
    return ["Mean", "Lowest", "Highest", "Readings"]


def count_parts(period: Period) -> int:
    """Return into how many parts tables and bars divide a period."""
    return {"day": 24, "year": 12}.get(period.span, period.days)


def name_part(period: Period, part: int) -> str:
    """Return the name of an hour, a day or a month."""
    if period.span == "day":
        return f"{part:02}:00 to {part + 1:02}:00"
    if period.span == "year":
        return calendar.month_name[part + 1]
    return format_date(period.first + timedelta(days=part), f"D {get_date_format()}")


def list_rows(parts: pl.DataFrame, streams: Sequence[Stream], period: Period) -> Iterator[TableRow]:
    """Yield a row for each part and stream, in the order of time."""
    place = {stream.stream_id: number for number, stream in enumerate(streams)}
    ordered = parts.with_columns(place=pl.col("stream").replace_strict(place, default=0)).sort("part", "place")
    for row in ordered.iter_rows(named=True):
        stream = streams[row["place"]]
        yield TableRow(
            row["part"], name_part(period, row["part"]), stream.name, _list_cells(row, stream.metric, period)
        )


def list_facts(period_sums: pl.DataFrame, streams: Sequence[Stream], period: Period) -> Iterator[Fact]:
    """Yield a fact for each stream."""
    sums = {row["stream"]: row for row in period_sums.iter_rows(named=True)}
    for stream in streams:
        row = sums[stream.stream_id]
        is_daily = stream.metric.kind == Metric.Kind.DAILY
        coverage = None if is_daily else min(round(100 * row["covered"] / (period.days * DAY_SECONDS)), 100)
        yield Fact(stream.name, _describe(row, stream.metric, period), coverage)


def _describe(row: dict[str, float], metric: Metric, period: Period) -> str:
    mean, low, high, each_day = (
        _format(value, metric)
        for value in (row["total"] / row["count"], row["low"], row["high"], row["total"] / row["days"])
    )
    if metric.kind == Metric.Kind.INTERVAL:
        days = f"{row['days']} day{'' if row['days'] == 1 else 's'}"
        return each_day if period.span == "day" else f"{each_day} a day, on {days} with readings"
    return mean if low == high else f"{mean} on average, {low} to {high}"


def _list_cells(row: dict[str, float], metric: Metric, period: Period) -> list[str]:
    count = f"{row['count']:,}"
    if metric.kind == Metric.Kind.INTERVAL:
        return [_format(row["total"] / (row["days"] if period.span == "year" else 1), metric), count]
    return [*(_format(value, metric) for value in (row["total"] / row["count"], row["low"], row["high"])), count]


def _format(value: float, metric: Metric) -> str:
    return f"{value:,.{metric.decimal_places}f}"
