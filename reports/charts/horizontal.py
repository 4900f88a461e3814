"""Horizontal bars, each with its label above and its value beside it: for names, and for many rows."""

from collections.abc import Sequence
from dataclasses import dataclass

from reports.charts.axis import Axis, axis_for
from reports.charts.formatting import describe, format_figure, percent, shorten
from reports.charts.rows import Bar

AXIS = 24
ROW = 46
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
        return AXIS + ROW * len(self.bars)


def horizontal_bars(rows: Sequence[Bar], unit: str) -> HorizontalBars:
    """Return the bars with their positions; `unit` is what they count, in the plural."""
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
                top=AXIS + number * ROW,
                width=percent(axis.share(row.value)),
            )
            for number, row in enumerate(rows)
        ),
    )
