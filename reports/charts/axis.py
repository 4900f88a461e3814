"""An axis from zero in steps that a person would choose."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from reports.charts.rows import Figure
from reports.charts.writing import briefly, percent

MOST_STEPS = 5
SMALLEST_SHARE = 0.004  # what is more than nothing is seen


@dataclass(frozen=True)
class Tick:
    share: float
    text: str

    @property
    def at(self) -> str:
        return percent(self.share)


@dataclass(frozen=True)
class Axis:
    top: Figure
    ticks: tuple[Tick, ...]

    def share(self, figure: Figure) -> float:
        return max(figure / self.top, SMALLEST_SHARE) if figure else 0.0


def axis_for(figures: Iterable[Figure]) -> Axis:
    highest = max(figures, default=0)
    step = nice_step(highest)
    steps = max(math.ceil(highest / step), 1)
    ticks = tuple(Tick(number / steps, briefly(number * step)) for number in range(steps + 1))
    return Axis(steps * step, ticks)


def nice_step(highest: Figure) -> Figure:
    """The smallest of 1, 2 or 5 times a power of ten that needs no more than MOST_STEPS steps; whole for counts."""
    if not highest:
        return 1
    power = math.floor(math.log10(highest / MOST_STEPS))
    if isinstance(highest, int):
        return next(step for step in _whole_steps(max(power, 0)) if step * MOST_STEPS >= highest)
    return next(
        digit * 10.0**exponent
        for exponent in (power, power + 1)
        for digit in (1, 2, 5)
        if digit * 10.0**exponent * MOST_STEPS >= highest
    )


def _whole_steps(power: int) -> Iterable[int]:
    return (digit * 10**exponent for exponent in (power, power + 1) for digit in (1, 2, 5))
