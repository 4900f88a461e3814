"""Lines over time, one for each series. Positions are percentages, so that a chart is as wide as its place."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from reports.charts.axis import Axis, axis_for
from reports.charts.formatting import describe, format_figure, percent
from reports.charts.rows import Line

TOP = 24
PLOT = 200
LABELS = 28
COLORS = 8
DASHES = ("", "8 3", "2 3", "10 3 2 3")
MAX_LABELS = 6  # as many as fit on a phone


@dataclass(frozen=True)
class DrawnPoint:
    name: str
    x: str
    y: float
    href: str


@dataclass(frozen=True)
class DrawnLine:
    """A line, with a colour and a dash, so that no series is recognized by its colour alone."""

    name: str
    number: int
    points: tuple[DrawnPoint, ...]
    last: str

    @property
    def color(self) -> int:
        return self.number % COLORS + 1

    @property
    def dash(self) -> str:
        return DASHES[(self.number + self.number // COLORS) % len(DASHES)]

    @property
    def segments(self) -> Sequence[tuple[DrawnPoint, DrawnPoint]]:
        return list(pairwise(self.points))


@dataclass(frozen=True)
class Lines:
    axis: Axis
    lines: tuple[DrawnLine, ...]
    labels: tuple[tuple[str, str, str], ...]  # position, text, and where the text begins
    height: int = TOP + PLOT + LABELS
    label_y: int = TOP + PLOT + 20
    bottom: int = TOP + PLOT

    @property
    def ticks(self) -> list[tuple[float, str]]:
        return [(round(TOP + PLOT * (1 - tick.share), 2), tick.text) for tick in self.axis.ticks]


def lines_over_time(labels: Sequence[str], lines: Sequence[Line], unit: str) -> Lines:
    """Return the lines with their positions; each has a value for each label. `unit` is in the plural."""
    axis = axis_for(value for line in lines for value in line.values)
    return Lines(
        axis,
        tuple(_draw(line, number, labels, axis, unit) for number, line in enumerate(lines)),
        _place_labels(labels),
    )


def _draw(line: Line, number: int, labels: Sequence[str], axis: Axis, unit: str) -> DrawnLine:
    hrefs = line.hrefs or [""] * len(labels)
    points = tuple(
        DrawnPoint(
            name=describe(f"{line.series}, {label}" if line.series else label, value, unit),
            x=percent(_position(place, labels)),
            y=round(TOP + PLOT * (1 - value / axis.top), 2),
            href=href,
        )
        for place, (label, value, href) in enumerate(zip(labels, line.values, hrefs, strict=True))
    )
    return DrawnLine(line.series, number, points, format_figure(line.values[-1]) if line.values else "")


def _position(place: int, labels: Sequence[str]) -> float:
    return place / (len(labels) - 1) if len(labels) > 1 else 0.5


def _place_labels(labels: Sequence[str]) -> tuple[tuple[str, str, str], ...]:
    """Return the first, the last and some labels between them, which have the same distance."""
    if not labels:
        return ()
    last = len(labels) - 1
    step = next(step for step in range(1, len(labels) + 1) if last // step < MAX_LABELS)
    shown = sorted({last - back for back in range(0, last + 1, step)})
    anchors = {0: "start", last: "end"} if last else {}
    return tuple((percent(_position(place, labels)), labels[place], anchors.get(place, "middle")) for place in shown)
