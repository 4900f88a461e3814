import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.charts.axis import MAX_STEPS, axis_for, nice_step

COUNTS = st.integers(min_value=1, max_value=10**15)
FRACTIONS = st.floats(min_value=1e-6, max_value=1e9)


def texts(*figures: float) -> list[str]:
    return [tick.text for tick in axis_for(figures).ticks]


@pytest.mark.parametrize(
    ("highest", "expected"),
    [
        (0, ["0", "1"]),
        (1, ["0", "1"]),
        (7, ["0", "2", "4", "6", "8"]),
        (100, ["0", "20", "40", "60", "80", "100"]),
        (52022, ["0", "20k", "40k", "60k"]),
        (12_345_678_901, ["0", "5bn", "10bn", "15bn"]),
        (0.43, ["0", "0.1", "0.2", "0.3", "0.4", "0.5"]),
    ],
)
def test_steps_are_round(highest: float, expected: list[str]) -> None:
    assert texts(highest) == expected


def test_an_axis_without_figures_goes_to_one() -> None:
    assert texts() == ["0", "1"]


@given(COUNTS | FRACTIONS)
def test_a_step_is_one_two_or_five_and_zeros(highest: float) -> None:
    assert f"{nice_step(highest):e}".rstrip("+-0123456789").rstrip("e").rstrip("0.") in {"1", "2", "5"}


@given(COUNTS)
def test_counts_have_whole_steps(highest: int) -> None:
    assert isinstance(nice_step(highest), int)


@given(COUNTS | FRACTIONS)
def test_the_highest_figure_is_longer_than_half_of_the_axis_and_fits(highest: float) -> None:
    axis = axis_for([highest])
    assert 0.5 <= axis.share(highest) <= 1
    assert 2 <= len(axis.ticks) <= MAX_STEPS + 1


def test_any_figure_above_zero_is_visible_and_zero_is_not() -> None:
    axis = axis_for([0, 1, 10**12])
    assert axis.share(1) > 0
    assert axis.share(0) == 0
