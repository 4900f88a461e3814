"""Vertical bars, each with its label below and its value on top: for few rows in a natural order, such as ages."""

from collections.abc import Sequence, Sized
from dataclasses import dataclass

from reports.charts.axis import Axis, axis_for
from reports.charts.formatting import describe, format_figure, format_short, percent, shorten
from reports.charts.rows import Bar

TOP = 24  # room for a value above the highest bar
PLOT = 200
LABELS = 28
COLUMN = 60  # width of a column when the chart is wider than a phone
MAX_VISIBLE_COLUMNS = 6
MIN_PLACES = 4  # so that a single bar does not fill the chart
MAX_LABEL_LETTERS_ON_A_PHONE = 48  # all labels together
SHARE_OF_BAR = 0.7  # the rest of a column is the gap


@dataclass(frozen=True)
class DrawnColumn:
    name: str
    label: str
    text: str
    href: str
    left: str
    bar_left: str
    middle: str
    height: float

    @property
    def bar_y(self) -> float:
        return round(TOP + PLOT - self.height, 2)

    @property
    def value_y(self) -> float:
        return round(self.bar_y - 6, 2)


@dataclass(frozen=True)
class VerticalBars:
    axis: Axis
    columns: tuple[DrawnColumn, ...]
    height: int = TOP + PLOT + LABELS
    label_y: int = TOP + PLOT + 18

    @property
    def width(self) -> str:
        return str(len(self.columns) * COLUMN) if self.wider_than_a_phone else "100%"

    @property
    def wider_than_a_phone(self) -> bool:
        return len(self.columns) > MAX_VISIBLE_COLUMNS

    @property
    def column_width(self) -> str:
        return percent(1 / places(self.columns))

    @property
    def bar_width(self) -> str:
        return percent(SHARE_OF_BAR / places(self.columns))

    @property
    def lines(self) -> list[tuple[float, str]]:
        return [(round(TOP + PLOT * (1 - tick.share), 2), tick.text) for tick in self.axis.ticks]


def places(rows: Sized) -> int:
    """Return the number of places for columns, at least MIN_PLACES."""
    return max(len(rows), MIN_PLACES)


def vertical_bars(rows: Sequence[Bar], unit: str) -> VerticalBars:
    """Return the columns with their positions; `unit` is what they count, in the plural."""
    axis = axis_for(row.value for row in rows)
    count = places(rows)
    letters = MAX_LABEL_LETTERS_ON_A_PHONE // min(count, MAX_VISIBLE_COLUMNS)
    write = format_figure if all(len(format_figure(row.value)) <= letters for row in rows) else format_short
    return VerticalBars(
        axis,
        tuple(
            DrawnColumn(
                name=describe(row.label, row.value, unit, row.detail),
                label=shorten(row.label, letters),
                text=write(row.value),
                href=row.href,
                left=percent(number / count),
                bar_left=percent((number + (1 - SHARE_OF_BAR) / 2) / count),
                middle=percent((number + 0.5) / count),
                height=round(PLOT * axis.share(row.value), 2),
            )
            for number, row in enumerate(rows)
        ),
    )
