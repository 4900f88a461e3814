"""Counters that go up all day, such as that of steps, turned into amounts in intervals."""

from collections.abc import Iterator
from dataclasses import dataclass

from readings.formats.garmin_fit.clock import DAY


@dataclass(frozen=True, slots=True)
class Amount:
    """What was counted from `start` until `end`, which are seconds since the epoch."""

    start: int
    end: int
    value: int
    record: int


class DailyCounter:
    """A counter of each kind of activity, all of which go back to 0 at the local midnight.

    Amounts are the differences of all kinds together, so that their intervals do not overlap.
    """

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        self.base: int | None = None  # until when everything is counted
        self.day: int | None = None  # the local day that the counts belong to
        self.is_whole_day = False  # whether kinds without a count have counted nothing
        self.unknown = 0  # first counts, because nobody knows when they began
        self.pending: Amount | None = None

    def begin(self, timestamp: int, offset: int | None) -> None:
        """Note that the device begins to count here: with 0 if it is midnight, and otherwise with what it had."""
        self.base = timestamp
        if offset is not None:
            self.day, seconds = divmod(timestamp + offset, DAY)
            if seconds == 0:
                self._reset()

    def rest(self, timestamp: int) -> None:
        """Note that the counter stood still until this time."""
        if self.base is not None:
            self.base = max(self.base, timestamp)

    def count(self, kind: int, value: int, timestamp: int, record: int, offset: int | None) -> Iterator[Amount]:
        """Yield the amounts that are complete now."""
        self._begin_day(timestamp, offset)
        if value < self.counts.get(kind, 0):
            self._reset()
        before = self.counts.get(kind, 0 if self.is_whole_day else None)
        self.counts[kind] = value
        start, self.base = self.base, max(timestamp, self.base or 0)
        if before is None or start is None:
            self.unknown += 1
        elif value > before:
            yield from self._add(Amount(start, timestamp, value - before, record))

    def _begin_day(self, timestamp: int, offset: int | None) -> None:
        """Go back to 0 if a local day has ended since the last count. The last second of a day is its midnight."""
        if offset is None:
            return
        day = (timestamp + offset - 1) // DAY
        if self.day is not None and day > self.day:
            self._reset()
            self.base = max(self.base or 0, day * DAY - offset)
        self.day = max(day, self.day or 0)

    def _reset(self) -> None:
        self.counts, self.is_whole_day = {}, True

    def _add(self, amount: Amount) -> Iterator[Amount]:
        """Hold back an amount until the next one, because two kinds of activity may have been counted at once."""
        if amount.start < amount.end:
            yield from self.finish()
            self.pending = amount
        elif self.pending:
            self.pending = Amount(
                self.pending.start, self.pending.end, self.pending.value + amount.value, amount.record
            )
        else:
            self.unknown += 1

    def finish(self) -> Iterator[Amount]:
        """Yield the amount that was held back, if there is one."""
        if self.pending:
            yield self.pending
        self.pending = None
