from reports.charts.rows import Part, StackedBar
from reports.charts.stacked import StackedBars, stacked_bars


def stacked(*rows: dict[str, int]) -> StackedBars:
    return stacked_bars(
        [StackedBar(f"Row {number}", [Part(*part) for part in row.items()]) for number, row in enumerate(rows)],
        "patients",
    )


def test_parts_follow_each_other_and_end_at_the_total() -> None:
    (stack,) = stacked({"Female": 60, "Male": 40}).stacks
    assert [(part.left, part.width) for part in stack.parts] == [("0.00%", "60.00%"), ("60.00%", "40.00%")]
    assert (stack.total, stack.end) == ("100", "100.00%")


def test_the_title_of_a_part_has_row_series_and_value() -> None:
    (stack,) = stacked({"Female": 60}).stacks
    assert stack.parts[0].name == "Row 0, Female: 60 patients"


def test_a_series_looks_the_same_in_every_row() -> None:
    first, second = stacked({"Female": 1, "Male": 2}, {"Male": 3}).stacks
    assert second.parts[0].series == first.parts[1].series


def test_no_two_series_look_alike() -> None:
    chart = stacked({f"Series {number}": 1 for number in range(64)})
    assert len({(series.color, series.pattern) for series in chart.series}) == 64


def test_the_first_eight_series_differ_in_colour_and_in_pattern() -> None:
    chart = stacked({f"Series {number}": 1 for number in range(8)})
    assert len({series.color for series in chart.series}) == len({series.pattern for series in chart.series}) == 8


def test_an_empty_part_is_only_in_the_legend() -> None:
    chart = stacked({"Female": 0, "Male": 5})
    assert [part.series.name for part in chart.stacks[0].parts] == ["Male"]
    assert [series.name for series in chart.series] == ["Female", "Male"]


def test_a_value_is_shown_in_its_part_if_it_fits() -> None:
    (stack,) = stacked({"Female": 9_990, "Male": 10}).stacks
    assert [part.text for part in stack.parts] == ["9,990", ""]


def test_empty_rows_have_no_parts() -> None:
    chart = stacked({"Female": 0}, {})
    assert [(stack.total, stack.parts) for stack in chart.stacks] == [("0", ()), ("0", ())]
