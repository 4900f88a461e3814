"""What a watch counts all day: steps, distance and energy, each for every kind of activity."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from readings.formats.garmin_fit.counters import Amount, DailyCounter
from readings.formats.garmin_fit.messages import Message

_RUNNING, _WALKING, _SEDENTARY = 1, 6, 8
# The field is a number of steps for these kinds of activity, and of something else for others.
_ON_FOOT = {_RUNNING, _WALKING}
_MOVEMENTS = frozenset({"cycles", "strokes"})
_UNKNOWN = "first counts of a file that begins during a day"
_OTHER_MOVEMENTS = "counts of movements that are not steps"
_STEPS, _DISTANCE, _ENERGY = "steps", "distance", "active_energy"
# By metric: the unit, and by how much the number in the file is too large.
_UNITS = {_STEPS: ("{steps}", 1), _DISTANCE: ("m", 100), _ENERGY: ("kcal", 1)}


class Monitoring:
    """Follows the counters of a file."""

    def __init__(self) -> None:
        self.counters = {metric: DailyCounter() for metric in _UNITS}
        self.other_movements = 0

    @property
    def left_out(self) -> Counter[str]:
        """Return what is not imported: counts without a known beginning, and movements that are not steps."""
        unknown = sum(counter.unknown for counter in self.counters.values())
        return +Counter({_UNKNOWN: unknown, _OTHER_MOVEMENTS: self.other_movements})

    def begin(self, timestamp: int, offset: int | None) -> None:
        """Note that the device begins to count here."""
        for counter in self.counters.values():
            counter.begin(timestamp, offset)

    def add(
        self, message: Message, timestamp: int, offset: int | None
    ) -> Iterator[tuple[int, str, int, int, str, str]]:
        """Yield the amounts that are complete: record, metric, start, end, value and unit."""
        kind = message.values.get("activity_type")
        if kind is None:
            return
        found = _find_counts(message, kind)
        self.other_movements += kind not in _ON_FOOT and not _MOVEMENTS.isdisjoint(message.values)
        for metric, value in found.items():
            for amount in self.counters[metric].count(kind, value, timestamp, message.record, offset):
                yield _describe(metric, amount)
        if kind == _SEDENTARY and _STEPS not in found:
            self.counters[_STEPS].rest(timestamp)

    def finish(self) -> Iterator[tuple[int, str, int, int, str, str]]:
        """Yield the amounts that were held back."""
        for metric, counter in self.counters.items():
            for amount in counter.finish():
                yield _describe(metric, amount)


def _find_counts(message: Message, kind: int) -> dict[str, int]:
    values = message.values
    steps = values.get("steps", values.get("cycles", values.get("cycles_16"))) if kind in _ON_FOOT else None
    found = {_STEPS: steps, _DISTANCE: values.get("distance"), _ENERGY: values.get("active_calories")}
    return {metric: value for metric, value in found.items() if value is not None}


def _describe(metric: str, amount: Amount) -> tuple[int, str, int, int, str, str]:
    unit, scale = _UNITS[metric]
    return amount.record, metric, amount.start, amount.end, f"{Decimal(amount.value) / scale:f}", unit
