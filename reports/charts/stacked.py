"""Stacked horizontal bars with a legend: how the total of each row divides into parts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reports.charts.axis import Axis, axis_for
from reports.charts.formatting import describe, format_figure, percent, shorten
from reports.charts.horizontal import AXIS, MAX_LABEL_LENGTH, ROW
from reports.charts.rows import Part, StackedBar

COLORS = 8
PATTERNS = (  # SVG paths in a square of 8 by 8
    "",
    "M-2 2 2-2M0 8 8 0M6 10 10 6",
    "M2 2h2v2h-2zM6 6h2v2h-2z",
    "M0 4H8",
    "M-2 6 2 10M0 0 8 8M6-2 10 2",
    "M4 0V8",
    "M0 4H8M4 0V8",
    "M0 0 8 8M8 0 0 8",
)
MIN_PLOT_WIDTH = 240  # on a phone
LETTER_WIDTH = 8


@dataclass(frozen=True)
class Series:
    """A series of parts, with a colour and a pattern, so that no series is recognized by its colour alone."""

    name: str
    number: int

    @property
    def color(self) -> int:
        return self.number % COLORS + 1

    @property
    def pattern(self) -> str:
        return PATTERNS[(self.number + self.number // COLORS) % len(PATTERNS)]


@dataclass(frozen=True)
class DrawnPart:
    name: str
    text: str
    href: str
    series: Series
    left: str
    middle: str
    width: str


@dataclass(frozen=True)
class DrawnStack:
    label: str
    total: str
    end: str
    top: int
    parts: tuple[DrawnPart, ...]


@dataclass(frozen=True)
class StackedBars:
    axis: Axis
    series: tuple[Series, ...]
    stacks: tuple[DrawnStack, ...]
    row: int = ROW

    @property
    def height(self) -> int:
        return AXIS + ROW * len(self.stacks)


def stacked_bars(rows: Sequence[StackedBar], unit: str) -> StackedBars:
    """Return the bars and their parts with their positions; `unit` is what they count, in the plural."""
    names = dict.fromkeys(part.series for row in rows for part in row.parts)
    series = {name: Series(name, number) for number, name in enumerate(names)}
    totals = [sum(part.value for part in row.parts) for row in rows]
    axis = axis_for(totals)
    return StackedBars(
        axis,
        tuple(series.values()),
        tuple(
            DrawnStack(
                label=shorten(row.label, MAX_LABEL_LENGTH),
                total=format_figure(total),
                end=percent(total / axis.top),
                top=AXIS + number * ROW,
                parts=tuple(_parts(row, axis, series, unit)),
            )
            for number, (row, total) in enumerate(zip(rows, totals, strict=True))
        ),
    )


def _parts(row: StackedBar, axis: Axis, series: dict[str, Series], unit: str) -> Iterator[DrawnPart]:
    left = 0.0
    for part in row.parts:
        if not part.value:
            continue
        share = part.value / axis.top
        yield DrawnPart(
            name=describe(f"{row.label}, {part.series}", part.value, unit),
            text=_text(part, share),
            href=part.href,
            series=series[part.series],
            left=percent(left),
            middle=percent(left + share / 2),
            width=percent(share),
        )
        left += share


def _text(part: Part, share: float) -> str:
    """Return the value if it fits into the part, otherwise an empty string; the part's title always has it."""
    text = format_figure(part.value)
    return text if (len(text) + 1) * LETTER_WIDTH <= share * MIN_PLOT_WIDTH else ""
