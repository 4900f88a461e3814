"""The periods that charts show: a day, a week, a month or a year, each in the patient's local time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils.dateformat import format as format_date

from healthtrack.core.date_formats import get_date_format

SPANS: Mapping[str, str] = {"day": "Day", "week": "Week", "month": "Month", "year": "Year"}
# Partitions of readings exist from 1900 to 2199 at most.
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)


@dataclass(frozen=True)
class Tick:
    """A label below the axis of time. `at` is where its part of the period begins, `middle` where the text stands."""

    at: float
    middle: float
    text: str


@dataclass(frozen=True)
class Period:
    """The days from `first` until before `after`."""

    span: str
    first: date
    after: date

    @classmethod
    def around(cls, span: str, day: date) -> "Period":
        """Return the period of this span that the day belongs to; weeks begin on Monday."""
        match span:
            case "week":
                first = max(day - timedelta(days=day.weekday()), FIRST_DAY)
                return cls(span, first, first + timedelta(days=7))
            case "month":
                first = day.replace(day=1)
                return cls(span, first, (first + timedelta(days=31)).replace(day=1))
            case "year":
                return cls(span, day.replace(month=1, day=1), date(day.year + 1, 1, 1))
            case _:
                return cls("day", day, day + timedelta(days=1))

    @property
    def days(self) -> int:
        return (self.after - self.first).days

    @property
    def last(self) -> date:
        return self.after - timedelta(days=1)

    @property
    def previous(self) -> "Period | None":
        return Period.around(self.span, self.first - timedelta(days=1)) if self.first > FIRST_DAY else None

    @property
    def next(self) -> "Period | None":
        return Period.around(self.span, self.after) if self.last < LAST_DAY else None

    @property
    def is_detailed(self) -> bool:
        """Whether charts draw single readings, and not the figures of days."""
        return self.span in {"day", "week"}

    @property
    def title(self) -> str:
        match self.span:
            case "day":
                return f"{format_date(self.first, 'l')}, {format_date(self.first, get_date_format())}"
            case "month":
                return format_date(self.first, "F Y")
            case "year":
                return str(self.first.year)
            case _:
                return f"{format_date(self.first, get_date_format())} to {format_date(self.last, get_date_format())}"

    @property
    def ticks(self) -> list[Tick]:
        """Return the labels of the axis of time, with positions from 0 to 1."""
        if self.span == "day":
            return [Tick(hour / 24, hour / 24, f"{hour:02}:00") for hour in range(0, 25, 6)]
        starts = list(self._list_starts())
        ends = [*(start for start, _ in starts[1:]), self.after]
        if self.span == "month":  # a label stands below its day, not in the middle of the week
            ends = [start + timedelta(days=1) for start, _ in starts]
        return [
            Tick(self._place(start), (self._place(start) + self._place(end)) / 2, text)
            for (start, text), end in zip(starts, ends, strict=True)
        ]

    def place(self, local: datetime) -> float:
        """Return the position of a local time: 0 at the beginning of the period and 1 at its end."""
        return (local - datetime.combine(self.first, time())) / timedelta(days=self.days)

    def _list_starts(self) -> Iterator[tuple[date, str]]:
        """Yield the first day of each labelled part of the period, and its label."""
        days = [self.first + timedelta(days=number) for number in range(self.days)]
        match self.span:
            case "week":
                yield from ((day, format_date(day, "D j")) for day in days)
            case "month":
                yield from ((day, f"{day.day}") for day in days if day.day % 7 == 1)
            case _:
                yield from ((day, format_date(day, "M")) for day in days if day.day == 1)

    def _place(self, day: date) -> float:
        return (day - self.first).days / self.days
