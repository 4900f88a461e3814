"""Vertical and horizontal bars."""

from hypothesis import given
from hypothesis import strategies as st

from reports.charts.horizontal import HorizontalBars, horizontal_bars
from reports.charts.rows import Bar
from reports.charts.vertical import PLOT, VerticalBars, vertical_bars

ROWS = st.lists(st.builds(Bar, st.text(), st.integers(min_value=0, max_value=10**12)), max_size=30)


def horizontal(*figures: int) -> HorizontalBars:
    return horizontal_bars([Bar(f"Row {figure}", figure) for figure in figures], "patients")


def vertical(*figures: int) -> VerticalBars:
    return vertical_bars([Bar(f"Row {figure}", figure) for figure in figures], "patients")


def test_bars_are_as_long_as_their_figures() -> None:
    assert [bar.width for bar in horizontal(100, 50, 0).bars] == ["100.00%", "50.00%", "0.00%"]


def test_columns_are_as_high_as_their_figures() -> None:
    assert [column.height for column in vertical(100, 50, 0).columns] == [PLOT, PLOT / 2, 0]


def test_titles_of_bars_have_label_value_and_unit() -> None:
    row = Bar("51+", 52022, "/patients/", "52.0 %")
    (bar,) = horizontal_bars([row], "patients").bars
    (column,) = vertical_bars([row], "patients").columns
    assert bar.name == column.name == "51+: 52,022 patients, 52.0 %"
    assert (bar.text, bar.detail, bar.href) == ("52,022", "52.0 %", "/patients/")


def test_each_bar_has_its_own_row() -> None:
    chart = horizontal(3, 2, 1)
    assert [bar.top + chart.row for bar in chart.bars] == [*(bar.top for bar in chart.bars[1:]), chart.height]


def test_a_long_name_is_shortened_but_complete_in_the_title() -> None:
    (bar,) = horizontal_bars([Bar("long " * 20, 1)], "").bars
    assert bar.label.endswith("…")
    assert bar.name.startswith("long " * 20)


def test_values_that_do_not_fit_above_their_columns_are_shortened() -> None:
    assert [column.text for column in vertical(120_000, 9_000, 800, 70, 6, 5).columns][:2] == ["120,000", "9,000"]
    assert [column.text for column in vertical(12_000_000, 9_000, 800, 70, 6, 5).columns][:2] == ["12M", "9k"]


def test_a_chart_with_many_columns_is_wider_than_a_phone() -> None:
    assert vertical(*range(1, 7)).width == "100%"
    assert int(vertical(*range(1, 101)).width) > 1000


def test_a_single_column_does_not_fill_the_chart() -> None:
    assert vertical(7).column_width == "25.00%"


@given(ROWS)
def test_all_rows_are_drawn_in_order_and_within_the_chart(rows: list[Bar]) -> None:
    bars = horizontal_bars(rows, "").bars
    columns = vertical_bars(rows, "").columns
    assert [bar.text for bar in bars] == [f"{row.value:,}" for row in rows]
    assert len(columns) == len(rows)
    assert all(0 <= float(bar.width.removesuffix("%")) <= 100 for bar in bars)
    assert all(0 <= column.height <= PLOT for column in columns)


def test_bars_are_thicker_if_there_is_room_but_never_more_than_twice() -> None:
    rows = [Bar(f"Row {number}", number) for number in range(5)]
    assert horizontal_bars(rows, "patients", height=230) == horizontal_bars(rows, "patients")
    assert horizontal_bars(rows[:3], "patients", height=230).height <= 230
    assert (
        horizontal_bars(rows[:1], "patients", height=230).thickness
        <= 2 * horizontal_bars(rows, "patients").thickness + 2
    )
    assert horizontal_bars([], "patients", height=230).bars == ()
