"""The parts of charts: periods, scales, gaps, and marks."""

from datetime import date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from readings.charts.drawing import Drawing, Frame, draw_bars, draw_lines
from readings.charts.figures import MAX_POINTS, draw_columns, draw_days
from readings.charts.periods import FIRST_DAY, LAST_DAY, SPANS, Period
from readings.charts.scale import MAX_STEPS, Scale

days = st.dates(FIRST_DAY, LAST_DAY)


class TestPeriods:
    @given(st.sampled_from(list(SPANS)), days)
    def test_a_day_is_in_its_period_and_the_periods_follow_each_other(self, span: str, day: date) -> None:
        period = Period.around(span, day)
        assert period.first <= day < period.after
        if (following := period.next) is not None:
            assert following.first == period.after
        if (before := period.previous) is not None and period.first > date(1900, 1, 8):
            assert before.after == period.first

    @given(st.sampled_from(list(SPANS)), days)
    def test_labels_of_time_ascend_within_the_period(self, span: str, day: date) -> None:
        ticks = Period.around(span, day).ticks
        places = [tick.at for tick in ticks]
        assert places == sorted(set(places))
        assert 0 <= places[0] <= places[-1] <= 1
        assert all(0 <= tick.middle <= 1 for tick in ticks)

    def test_a_local_time_has_its_place(self) -> None:
        assert Period.around("day", date(2026, 3, 5)).place(datetime(2026, 3, 5, 18)) == 0.75  # noqa: DTZ001 (local)


class TestScales:
    @given(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.sampled_from([1.0, 0.1]))
    def test_every_value_is_on_the_scale_and_few_steps_are_shown(self, low: float, width: float, least: float) -> None:
        scale = Scale.over(low, low + width, least)
        assert -1e-6 <= scale.share(low) <= scale.share(low + width) <= 1 + 1e-6
        assert 1 <= len(scale.ticks) - 1 <= MAX_STEPS + 1
        assert len({text for _, text in scale.ticks}) == len(scale.ticks)

    @pytest.mark.parametrize(
        ("low", "high", "texts"),
        [
            (60, 60, ["59", "60", "61"]),
            (51, 53, ["51", "52", "53"]),
            (0, 9_872, ["0", "2,500", "5,000", "7,500", "10,000"]),
            (62, 188, ["50", "100", "150", "200"]),
        ],
    )
    def test_steps_are_round(self, low: float, high: float, texts: list[str]) -> None:
        assert [text for _, text in Scale.over(low, high, 1).ticks] == texts


def points_at(places: list[float]) -> pl.DataFrame:
    rows = {"stream": [1] * len(places), "at": range(len(places)), "x": places, "value": [60.0] * len(places)}
    return pl.DataFrame(rows, schema_overrides={"stream": pl.Int32, "at": pl.Int64})


class TestLines:
    def test_a_reading_alone_is_a_dot(self) -> None:
        (line,) = draw_lines(draw_columns(points_at([0.5]), 1), {1: "Watch"}, Scale.over(0, 100, 1))
        assert line.line == line.dots == "M500.0,80.0h0"

    def test_points_have_dots_where_they_are_not_too_near_to_each_other(self) -> None:
        scale = Scale.over(0, 100, 1)
        (few,) = draw_lines(draw_columns(points_at([0.1, 0.2, 0.3]), 1), {1: "Watch"}, scale)
        assert few.dots.count("h0") == 3
        (many,) = draw_lines(draw_columns(points_at([0.1, 0.105, 0.11]), 1), {1: "Watch"}, scale)
        assert not many.dots

    @given(st.integers(1, 6), st.integers(1, 3000))
    def test_many_streams_share_the_points_of_a_chart(self, streams: int, each: int) -> None:
        readings = pl.concat(
            points_at([number / each for number in range(each)]).with_columns(stream=pl.lit(stream, pl.Int32))
            for stream in range(streams)
        )
        assert draw_columns(readings, streams).height * 3 <= MAX_POINTS

    def test_days_of_daily_values_that_are_missing_are_gaps_and_weekly_values_have_none(self) -> None:
        def begins(parts: list[int]) -> list[bool]:
            rows = {"stream": 1, "part": parts, "low": 1.0, "high": 1.0, "total": 1.0, "count": 1}
            return draw_days(pl.DataFrame(rows), Period.around("month", date(2026, 3, 1)))["begins"].to_list()

        assert begins([0, 1, 3, 4]) == [True, False, True, False]
        assert begins([0, 7, 14, 28]) == [True, False, False, True]


def test_a_bar_without_another_beside_it_is_wide() -> None:
    parts = pl.DataFrame({"stream": [1, 2, 1], "part": [0, 0, 1], "value": [10.0, 5.0, 10.0]})
    first, second, alone = draw_bars(parts, [1, 2], Scale.over(0, 10, 1), 2)
    assert (first.width, second.width, alone.width) == ("17.50%", "17.50%", "35.00%")
    assert (first.number, second.number, alone.number) == (0, 1, 0)


def test_names_of_devices_that_are_near_to_each_other_stand_below_each_other() -> None:
    frame = Frame((), [(0.1, "A"), (0.2, "B"), (0.9, "C")], (), ())
    drawing = Drawing(frame, Scale.over(0, 10, 1), ())
    assert [(mark.name, mark.y, mark.anchor) for mark in drawing.marks] == [
        ("A", 12, "start"),
        ("B", 30, "start"),
        ("C", 12, "end"),
    ]
    assert drawing.top > 30
