"""Horizontal bars, each with its label above and its value beside it: for names, and for many rows."""

from collections.abc import Sequence
from dataclasses import dataclass

from reports.charts.axis import Axis, axis_for
from reports.charts.formatting import describe, format_figure, percent, shorten
from reports.charts.rows import Bar

AXIS = 24
ROW = 46
MAX_ROW = 64
BAR_ABOVE, BAR_BELOW = 23, 7  # room for the label, and to the next row
MAX_LABEL_LENGTH = 44


@dataclass(frozen=True)
class DrawnBar:
    name: str
    label: str
    text: str
    detail: str
    href: str
    top: int
    width: str


@dataclass(frozen=True)
class HorizontalBars:
    axis: Axis
    bars: tuple[DrawnBar, ...]
    row: int = ROW

    @property
    def height(self) -> int:
        return AXIS + self.row * len(self.bars)

    @property
    def thickness(self) -> int:
        return self.row - BAR_ABOVE - BAR_BELOW

    @property
    def value_y(self) -> int:
        return BAR_ABOVE + self.thickness // 2 + 5


def horizontal_bars(rows: Sequence[Bar], unit: str, height: int = 0) -> HorizontalBars:
    """Return the bars with their positions; `unit` is what they count, in the plural.

    If there is more room for the bars than they need, they are thicker.
    """
    row_height = max(ROW, min(MAX_ROW, height // len(rows))) if rows else ROW
    axis = axis_for(row.value for row in rows)
    return HorizontalBars(
        axis,
        tuple(
            DrawnBar(
                name=describe(row.label, row.value, unit, row.detail),
                label=shorten(row.label, MAX_LABEL_LENGTH),
                text=format_figure(row.value),
                detail=row.detail,
                href=row.href,
                top=AXIS + number * row_height,
                width=percent(axis.share(row.value)),
            )
            for number, row in enumerate(rows)
        ),
        row_height,
    )
