"""Vertical bars, each above its label and under its value: for few rows in an order of their own, such as ages."""

from collections.abc import Sequence, Sized
from dataclasses import dataclass

from reports.charts.axis import Axis, axis_for
from reports.charts.rows import Bar
from reports.charts.writing import briefly, named, percent, shortened, written

TOP = 24  # room for a value above the highest bar
PLOT = 200
LABELS = 28
COLUMN = 60  # what a column takes when there are so many that the chart is wider than a phone
MOST_IN_SIGHT = 6
FEWEST_PLACES = 4  # a single bar is no wall
LETTERS_ON_A_PHONE = 48  # of all the labels in a row
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
        return len(self.columns) > MOST_IN_SIGHT

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
    return max(len(rows), FEWEST_PLACES)


def vertical_bars(rows: Sequence[Bar], unit: str) -> VerticalBars:
    axis = axis_for(row.value for row in rows)
    count = places(rows)
    letters = LETTERS_ON_A_PHONE // min(count, MOST_IN_SIGHT)
    write = written if all(len(written(row.value)) <= letters for row in rows) else briefly
    return VerticalBars(
        axis,
        tuple(
            DrawnColumn(
                name=named(row.label, row.value, unit, row.detail),
                label=shortened(row.label, letters),
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
