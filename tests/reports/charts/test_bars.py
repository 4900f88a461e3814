"""The bars that stand and those that lie."""

from hypothesis import given
from hypothesis import strategies as st

from reports.charts.horizontal import HorizontalBars, horizontal_bars
from reports.charts.rows import Bar
from reports.charts.vertical import PLOT, VerticalBars, vertical_bars

ROWS = st.lists(st.builds(Bar, st.text(), st.integers(min_value=0, max_value=10**12)), max_size=30)


def lying(*figures: int) -> HorizontalBars:
    return horizontal_bars([Bar(f"Row {figure}", figure) for figure in figures], "patients")


def standing(*figures: int) -> VerticalBars:
    return vertical_bars([Bar(f"Row {figure}", figure) for figure in figures], "patients")


def test_bars_are_as_long_as_their_figures() -> None:
    assert [bar.width for bar in lying(100, 50, 0).bars] == ["100.00%", "50.00%", "0.00%"]


def test_columns_are_as_high_as_their_figures() -> None:
    assert [column.height for column in standing(100, 50, 0).columns] == [PLOT, PLOT / 2, 0]


def test_bars_say_label_value_and_unit() -> None:
    row = Bar("51+", 52022, "/patients/", "52.0 %")
    (bar,) = horizontal_bars([row], "patients").bars
    (column,) = vertical_bars([row], "patients").columns
    assert bar.name == column.name == "51+: 52,022 patients, 52.0 %"
    assert (bar.text, bar.detail, bar.href) == ("52,022", "52.0 %", "/patients/")


def test_each_bar_has_a_row_of_its_own() -> None:
    chart = lying(3, 2, 1)
    assert [bar.top + chart.row for bar in chart.bars] == [*(bar.top for bar in chart.bars[1:]), chart.height]


def test_a_long_name_is_shortened_and_said_in_full() -> None:
    (bar,) = horizontal_bars([Bar("long " * 20, 1)], "").bars
    assert bar.label.endswith("…")
    assert bar.name.startswith("long " * 20)


def test_values_without_room_above_their_columns_are_written_briefly() -> None:
    assert [column.text for column in standing(120_000, 9_000, 800, 70, 6, 5).columns][:2] == ["120,000", "9,000"]
    assert [column.text for column in standing(12_000_000, 9_000, 800, 70, 6, 5).columns][:2] == ["12M", "9k"]


def test_columns_that_a_phone_has_no_room_for_make_the_chart_wider() -> None:
    assert standing(*range(1, 7)).width == "100%"
    assert int(standing(*range(1, 101)).width) > 1000


def test_a_single_column_is_no_wall() -> None:
    assert standing(7).column_width == "25.00%"


@given(ROWS)
def test_every_row_is_drawn_within_the_chart_in_its_order(rows: list[Bar]) -> None:
    bars = horizontal_bars(rows, "").bars
    columns = vertical_bars(rows, "").columns
    assert [bar.text for bar in bars] == [f"{row.value:,}" for row in rows]
    assert len(columns) == len(rows)
    assert all(0 <= float(bar.width.removesuffix("%")) <= 100 for bar in bars)
    assert all(0 <= column.height <= PLOT for column in columns)
