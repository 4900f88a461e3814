"""Lines over time."""

from hypothesis import given
from hypothesis import strategies as st

from reports.charts.line import MAX_LABELS, PLOT, TOP, lines_over_time
from reports.charts.rows import Line


def test_points_have_equal_distances_and_are_as_high_as_their_values() -> None:
    (line,) = lines_over_time(["Jan", "Feb", "Mar"], [Line("", [0, 50, 100])], "patients").lines
    assert [(point.x, point.y) for point in line.points] == [
        ("0.00%", TOP + PLOT),
        ("50.00%", TOP + PLOT / 2),
        ("100.00%", TOP),
    ]
    assert [point.name for point in line.points] == ["Jan: 0 patients", "Feb: 50 patients", "Mar: 100 patients"]


def test_each_series_has_its_colour_and_dash() -> None:
    lines = lines_over_time(["Jan"], [Line(f"Series {number}", [1]) for number in range(32)], "patients").lines
    assert len({(line.color, line.dash) for line in lines}) == 32
    assert lines[1].points[0].name == "Series 1, Jan: 1 patient"


@given(st.lists(st.integers(min_value=0, max_value=10**9), max_size=60))
def test_labels_fit_on_a_phone_and_include_the_last_one(values: list[int]) -> None:
    names = [str(number) for number in range(len(values))]
    labels = lines_over_time(names, [Line("", values)], "patients").labels
    assert len(labels) <= MAX_LABELS
    assert [text for _, text, _ in labels][-1:] == names[-1:]
