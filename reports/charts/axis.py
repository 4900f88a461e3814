"""A chart's axis, from zero in round steps."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from reports.charts.formatting import format_short, percent
from reports.charts.rows import Figure

MAX_STEPS = 5
MIN_SHARE = 0.004  # of the axis, so that any figure above zero is visible


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
        """Return the length of the figure's bar as a share of the axis, from 0 to 1."""
        return max(figure / self.top, MIN_SHARE) if figure else 0.0


def axis_for(figures: Iterable[Figure]) -> Axis:
    """Return an axis that is long enough for all figures."""
    highest = max(figures, default=0)
    step = nice_step(highest)
    steps = max(math.ceil(highest / step), 1)
    ticks = tuple(Tick(number / steps, format_short(number * step)) for number in range(steps + 1))
    return Axis(steps * step, ticks)


def nice_step(highest: Figure) -> Figure:
    """Return the smallest of 1, 2 or 5 times a power of ten that needs at most MAX_STEPS steps; an int for counts."""
    if not highest:
        return 1
    power = math.floor(math.log10(highest / MAX_STEPS))
    if isinstance(highest, int):
        return next(step for step in _whole_steps(max(power, 0)) if step * MAX_STEPS >= highest)
    return next(
        digit * 10.0**exponent
        for exponent in (power, power + 1)
        for digit in (1, 2, 5)
        if digit * 10.0**exponent * MAX_STEPS >= highest
    )


def _whole_steps(power: int) -> Iterable[int]:
    return (digit * 10**exponent for exponent in (power, power + 1) for digit in (1, 2, 5))
