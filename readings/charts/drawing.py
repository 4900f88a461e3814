"""The drawing of a chart as SVG: positions along time are percentages, so that it is as wide as its place."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import polars as pl

from readings.charts.periods import Tick
from readings.charts.scale import Scale

# The plot is stretched to the width of its place, and is as high as its box.
WIDTH, HEIGHT = 1000, 200
DASHES = ("", "7 3", "2 3", "9 3 2 3")
COLORS = 8
_MARK_HEIGHT = 18  # of the row with the name of a device
_TOP, _BOTTOM = 10, 28
_BAR_SHARE = 0.7  # of its part of the period
_MIN_BAR = 0.004  # of the height, so that any value above zero is visible
_MIN_BETWEEN_DOTS = 0.02  # of the width
_NEAR = 0.3  # marks that are nearer to each other need rows of their own


@dataclass(frozen=True)
class DrawnSeries:
    """A line with a colour and a dash, so that nobody needs the colour; `band` is from lowest to highest."""

    name: str
    number: int
    line: str = ""
    band: str = ""
    dots: str = ""

    @property
    def color(self) -> int:
        return self.number % COLORS + 1

    @property
    def dash(self) -> str:
        return DASHES[(self.number + self.number // COLORS) % len(DASHES)]


@dataclass(frozen=True)
class DrawnBar:
    color: int
    number: int
    x: str
    y: float
    width: str
    height: float


@dataclass(frozen=True)
class DrawnMark:
    x: str
    y: int
    anchor: str
    name: str


@dataclass(frozen=True)
class DrawnPart:
    """A part of the period for the pointer, and what to show of it: an hour, a day or a month."""

    x: str
    width: str
    text: str


@dataclass(frozen=True)
class Frame:
    """What is around the values: labels of time, changes of device, excluded periods, and what the pointer shows.

    `marks` are positions and names, `excluded` positions and widths.
    """

    ticks: Sequence[Tick]
    marks: Sequence[tuple[float, str]]
    excluded: Sequence[tuple[str, str]]
    parts: Sequence[DrawnPart]


@dataclass(frozen=True)
class Drawing:
    """A chart, ready for its template: lines, or bars that `series` explains. `target` is a range of values."""

    frame: Frame
    scale: Scale
    series: Sequence[DrawnSeries]
    bars: Sequence[DrawnBar] = ()
    target: tuple[float, float] | None = None

    @cached_property
    def marks(self) -> Sequence[DrawnMark]:
        return list(_place_marks(self.frame.marks))

    @property
    def top(self) -> int:
        """The height of the names of devices above the plot."""
        return _TOP + max((mark.y + 6 for mark in self.marks), default=0)

    @property
    def bottom(self) -> int:
        return self.top + HEIGHT

    @property
    def height(self) -> int:
        return self.bottom + _BOTTOM

    @property
    def label_y(self) -> int:
        return self.bottom + 18

    @property
    def values(self) -> list[tuple[float, str]]:
        """The height and text of each step of the scale."""
        return [(round(self.top + HEIGHT * (1 - at), 1), text) for at, text in self.scale.ticks]

    @property
    def times(self) -> list[tuple[str, str, str, bool]]:
        """For each label of time: where its part begins, where it stands, its text, and whether phones leave it out."""
        return [
            (percent(tick.at), percent(tick.middle), tick.text, bool(number % 2))
            for number, tick in enumerate(self.frame.ticks)
        ]

    @property
    def target_area(self) -> tuple[float, float] | None:
        """The upper end and the height of the target range."""
        if self.target is None:
            return None
        low, high = (self.scale.share(value) for value in self.target)
        return round(self.top + HEIGHT * (1 - high), 1), round(HEIGHT * (high - low), 1)


def percent(share: float) -> str:
    """Return a position from 0 to 1 as a length in SVG."""
    return f"{share * 100:.2f}%"


def draw_lines(points: pl.DataFrame, names: Mapping[int, str], scale: Scale) -> list[DrawnSeries]:
    """Return a line for each of the named streams that has points."""
    drawn = []
    for number, (stream, name) in enumerate(names.items()):
        segments = list(_divide(points.filter(pl.col("stream") == stream)))
        if segments:
            line = "".join(_draw_line(segment, scale) for segment in segments)
            band = "".join(_draw_band(segment, scale) for segment in segments)
            drawn.append(DrawnSeries(name, number, line, band, _draw_dots(segments, scale)))
    return drawn


def name_series(names: Mapping[int, str]) -> list[DrawnSeries]:
    """Return series that only explain the colours of bars."""
    return [DrawnSeries(name, number) for number, name in enumerate(names.values())]


def draw_bars(parts: pl.DataFrame, places: Sequence[int], scale: Scale, count: int) -> Iterator[DrawnBar]:
    """Yield a bar as high as the `value` of each of `count` parts; the bars of several streams stand side by side."""
    beside = parts.sort("part", "stream").with_columns(
        place=pl.int_range(pl.len()).over("part"), bars=pl.len().over("part")
    )
    for stream, part, value, place, bars in beside.select("stream", "part", "value", "place", "bars").iter_rows():
        number = places.index(stream)
        width = _BAR_SHARE / bars / count
        x = (part + (1 - _BAR_SHARE) / 2) / count + place * width
        height = HEIGHT * max(scale.share(value), _MIN_BAR if value else 0)
        yield DrawnBar(
            number % COLORS + 1, number, percent(x), round(HEIGHT - height, 1), percent(width), round(height, 1)
        )


def _place_marks(marks: Sequence[tuple[float, str]]) -> Iterator[DrawnMark]:
    """Yield the marks, with names in so many rows above the plot that none covers another."""
    rows: list[float] = []  # the position of the last mark in each row
    for x, name in marks:
        row = next((number for number, last in enumerate(rows) if x - last > _NEAR), len(rows))
        rows[row : row + 1] = [x]
        yield DrawnMark(percent(x), _MARK_HEIGHT * row + 12, "end" if x > 0.5 else "start", name)


_Segment = list[tuple[float, float, float, float]]


def _divide(points: pl.DataFrame) -> Iterator[_Segment]:
    """Yield the points between gaps: position, lowest, highest and mean value."""
    segment: _Segment = []
    for begins, *point in points.select("begins", "x", "low", "high", "mean").iter_rows():
        if begins and segment:
            yield segment
            segment = []
        segment.append((point[0], point[1], point[2], point[3]))
    if segment:
        yield segment


def _draw_line(segment: _Segment, scale: Scale) -> str:
    """Return the path of the means; a point alone is a line without length, which round ends make a dot."""
    path = "L".join(_place(x, mean, scale) for x, _, _, mean in segment)
    return f"M{path}{'h0' if len(segment) == 1 else ''}"


def _draw_band(segment: _Segment, scale: Scale) -> str:
    if all(low == high for _, low, high, _ in segment):
        return ""
    upper = [_place(x, high, scale) for x, _, high, _ in segment]
    lower = [_place(x, low, scale) for x, low, _, _ in reversed(segment)]
    return f"M{'L'.join([*upper, *lower])}Z"


def _draw_dots(segments: Sequence[_Segment], scale: Scale) -> str:
    """Return a dot for each point, unless some are too near to each other to tell them apart."""
    points = [point for segment in segments for point in segment]
    if any(after[0] - before[0] < _MIN_BETWEEN_DOTS for before, after in pairwise(points)):
        return ""
    return "".join(f"M{_place(x, mean, scale)}h0" for x, _, _, mean in points)


def _place(x: float, value: float, scale: Scale) -> str:
    return f"{x * WIDTH:.1f},{HEIGHT * (1 - scale.share(value)):.1f}"
