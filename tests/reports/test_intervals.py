import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.intervals import wilson


# Published values for 95 %, with three digits.
@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [(0, 10, 0.0, 0.278), (5, 10, 0.237, 0.763), (10, 10, 0.722, 1.0), (81, 263, 0.255, 0.366), (1, 1, 0.207, 1.0)],
)
def test_the_interval_is_the_published_one(part: int, whole: int, low: float, high: float) -> None:
    assert [*wilson(part, whole)] == pytest.approx([low, high], abs=0.0006)


@given(st.integers(1, 10**7).flatmap(lambda whole: st.tuples(st.integers(0, whole), st.just(whole))))
def test_the_interval_contains_the_share_and_is_between_0_and_1(counted: tuple[int, int]) -> None:
    part, whole = counted
    low, high = wilson(part, whole)
    assert 0 <= low <= part / whole + 1e-12
    assert part / whole - 1e-12 <= high <= 1


def test_without_patients_the_interval_is_from_0_to_1() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
