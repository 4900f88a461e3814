"""The scale of values of a chart, in round steps."""

import math
from dataclasses import dataclass

MAX_STEPS = 4
_DIGITS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Scale:
    """The values from `low` to `high` in equal steps."""

    low: float
    high: float
    step: float

    @classmethod
    def over(cls, low: float, high: float, least: float) -> "Scale":
        """Return the scale that shows these values, which begins and ends at whole steps of at least `least`."""
        if high <= low:
            low, high = low - least, high + least
        step = _round_step(max((high - low) / MAX_STEPS, least))
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        return cls(first * step, max(last, first + 1) * step, step)

    def share(self, value: float) -> float:
        """Return the position of a value, 0 at the lower end and 1 at the upper one."""
        return (value - self.low) / (self.high - self.low)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Return the position of each step, and the value as text."""
        count = round((self.high - self.low) / self.step)
        places = next(places for places in range(10) if math.isclose(self.step, round(self.step, places)))
        values = [self.low + number * self.step for number in range(count + 1)]
        return [(self.share(value), f"{value:,.{places}f}") for value in values]


def _round_step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next(digit * power for digit in _DIGITS if digit * power >= least * (1 - 1e-9))
