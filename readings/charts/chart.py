"""The charts of a patient's readings in a period, one for each metric, with the same figures as a table."""

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

import polars as pl

from readings.charts import figures
from readings.charts.drawing import Drawing, DrawnPart, Frame, draw_bars, draw_lines, name_series, percent
from readings.charts.periods import Period
from readings.charts.scale import Scale
from readings.charts.streams import Stream, by_metric, list_marks
from readings.charts.texts import Fact, TableRow, count_parts, get_columns, list_facts, list_rows
from readings.exclusions import ExcludedPeriod
from readings.models import Metric
from readings.unit_names import name_unit


@dataclass(frozen=True)
class MetricChart:
    """The chart of a metric in a period. `drawing` is None where a single value of a day says everything."""

    metric: Metric
    period: Period
    facts: Sequence[Fact]
    drawing: Drawing | None
    rows: Sequence[TableRow]

    @property
    def id(self) -> str:
        return self.metric.code.replace("_", "-")

    @property
    def unit(self) -> str:
        return name_unit(self.metric)

    @property
    def label(self) -> str:
        """The metric with its unit, unless that is its name."""
        return str(self.metric) if self.unit == str(self.metric).lower() else f"{self.metric} in {self.unit}"

    @property
    def target(self) -> str:
        """The target range in words; empty if there is none."""
        ends = (self.metric.target_low, self.metric.target_high)
        return " to ".join(f"{end:.{self.metric.decimal_places}f}" for end in ends if end is not None)

    @property
    def part(self) -> str:
        """What a row of the table is about."""
        return {"day": "Hour", "year": "Month"}.get(self.period.span, "Day")

    @property
    def columns(self) -> Sequence[str]:
        return get_columns(self.metric, self.period)


@dataclass(frozen=True)
class MissingMetric:
    """A metric without readings in the period, and the last day with some."""

    metric: Metric
    last_day: datetime.date


@dataclass(frozen=True)
class Charts:
    """The charts of a period, and the metrics that have no readings in it."""

    charts: Sequence[MetricChart]
    missing: Sequence[MissingMetric]


def make_charts(patient: str, streams: Sequence[Stream], excluded: Sequence[ExcludedPeriod], period: Period) -> Charts:
    """Return the charts of these streams of a patient."""
    shown = [each for each in streams if each.first_day < period.after and each.last_day >= period.first]
    detailed = [each for each in shown if figures.needs_readings(each, period)]
    days = figures.fetch_days(patient, shown, period).partition_by("stream", as_dict=True)
    readings = figures.fetch_readings(patient, detailed, period) if detailed else None
    charts, missing = [], []
    for metric, own in by_metric(streams).items():
        present = [stream for stream in own if (stream.stream_id,) in days]
        if present:
            own_days = pl.concat(days[stream.stream_id,] for stream in present)
            maker = _Maker(metric, period, present, own_days, readings)
            charts.append(maker.make(list(_place_marks(own, period)), list(_place_excluded(own, excluded, period))))
        else:
            missing.append(MissingMetric(metric, max(stream.last_day for stream in own)))
    return Charts(charts, missing)


@dataclass(frozen=True)
class _Maker:
    """Makes the chart of one metric, whose streams have readings in the period."""

    metric: Metric
    period: Period
    streams: Sequence[Stream]
    days: pl.DataFrame
    all_readings: pl.DataFrame | None

    @property
    def names(self) -> Mapping[int, str]:
        return {stream.stream_id: stream.name for stream in self.streams}

    @property
    def readings(self) -> pl.DataFrame | None:
        """The single readings, if the chart needs them."""
        if self.all_readings is None or not figures.needs_readings(self.streams[0], self.period):
            return None
        return self.all_readings.filter(pl.col("stream").is_in(list(self.names)))

    def make(self, marks: Sequence[tuple[float, str]], excluded: Sequence[tuple[str, str]]) -> MetricChart:
        readings = self.readings
        parts = self._sum_parts(readings)
        rows = list(list_rows(parts, self.streams, self.period))
        facts = list(list_facts(figures.sum_period(self.days), self.streams, self.period))
        frame = Frame(self.period.ticks, marks, excluded, list(self._describe_parts(rows)))
        drawing = None
        if self.metric.kind == Metric.Kind.INTERVAL:
            drawing = self._draw_bars(parts, frame)
        elif readings is not None:
            drawing = self._draw_lines(figures.draw_columns(readings, len(self.streams)), frame)
        elif self.period.span != "day":
            drawing = self._draw_lines(figures.draw_days(self.days, self.period), frame)
        return MetricChart(self.metric, self.period, facts, drawing, rows)

    def _sum_parts(self, readings: pl.DataFrame | None) -> pl.DataFrame:
        if self.period.span == "year":
            return figures.sum_months(self.days, self.period)
        return self.days if self.period.span != "day" or readings is None else figures.sum_hours(readings)

    def _draw_lines(self, points: pl.DataFrame, frame: Frame) -> Drawing:
        low, high = points.select(low=pl.col("low").min(), high=pl.col("high").max()).row(0)
        target = None
        if self.metric.target_low is not None and self.metric.target_high is not None:
            target = float(self.metric.target_low), float(self.metric.target_high)
            low, high = min(low, target[0]), max(high, target[1])
        scale = Scale.over(low, high, 10.0**-self.metric.decimal_places)
        return Drawing(frame, scale, draw_lines(points, self.names, scale), target=target)

    def _draw_bars(self, parts: pl.DataFrame, frame: Frame) -> Drawing:
        """Draw sums; in a year the mean of the days with readings, so that months with few days compare."""
        value = pl.col("total") / pl.col("days") if self.period.span == "year" else pl.col("total")
        bars = parts.with_columns(value=value)
        scale = Scale.over(0, max(bars["value"].to_list()) or 1, 10.0**-self.metric.decimal_places)
        drawn = list(draw_bars(bars, list(self.names), scale, count_parts(self.period)))
        return Drawing(frame, scale, name_series(self.names), drawn)

    def _describe_parts(self, rows: Sequence[TableRow]) -> Iterator[DrawnPart]:
        """Yield what the pointer shows on each hour, day or month."""
        count = count_parts(self.period)
        columns = get_columns(self.metric, self.period)
        for number, alike in groupby(rows, key=attrgetter("number")):
            texts = []
            for row in alike:
                figures_of_row = ", ".join(
                    f"{name.lower()} {cell}" for name, cell in zip(columns, row.cells, strict=True)
                )
                texts.append(f"{row.part}{f', {row.series}' if len(self.streams) > 1 else ''}: {figures_of_row}")
            yield DrawnPart(percent(number / count), percent(1 / count), "\n".join(texts))


def _place_marks(streams: Sequence[Stream], period: Period) -> Iterator[tuple[float, str]]:
    """Yield the position and name of each change of device in the period."""
    shows_days = any(not figures.needs_readings(stream, period) for stream in streams)
    for mark in list_marks(streams):
        # Before the day whose figures it begins with.
        at = datetime.datetime.combine(mark.at, datetime.time()) if shows_days else mark.at
        if 0 <= (x := period.place(at)) < 1:
            yield x, mark.name


def _place_excluded(
    streams: Sequence[Stream], excluded: Sequence[ExcludedPeriod], period: Period
) -> Iterator[tuple[str, str]]:
    """Yield the position and width of what is excluded from the period."""
    numbers = {stream.stream_id for stream in streams}
    for each in excluded:
        left, right = max(period.place(each.starts), 0), min(period.place(each.ends), 1)
        if each.stream_id in numbers and left < right:
            yield percent(left), percent(right - left)
