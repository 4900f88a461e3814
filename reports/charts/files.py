"""Charts as files: an SVG that needs nothing else, and a PNG of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.template.loader import render_to_string

from reports.charts.declaration import BarChart, Chart, ColumnChart, HeatMap, LineChart, StackedChart
from reports.charts.formatting import shorten
from reports.charts.heat import HeatTable
from reports.charts.line import Lines
from reports.charts.stacked import StackedBars

WIDTH = 960
MARGIN = 24
TOP = 92  # below the title and the facts
LETTER_WIDTH = 7.6
LEGEND_ROW = 22
AXIS_WIDTH = 56  # of the values beside columns and lines
VALUE_WIDTH = 140  # of the values beside bars
CELL_HEIGHT = 40
HEADING_HEIGHT = 24
LABEL_WIDTH = 200
PNG_ZOOM = 2  # for screens and prints with many dots
FONT = Path(__file__).with_name("fonts") / "chart-labels.ttf"
# The light colors of the style sheet, which a file cannot use.
SERIES = ("#0b5c97", "#b34f09", "#04604a", "#9a2a78", "#5c4800", "#1c7fa0", "#2f2a78", "#6b7380")
SHADE_SHARES = ("0.08", "0.19", "0.3", "0.41", "0.52")


@dataclass(frozen=True)
class Key:
    """An entry of the legend."""

    name: str
    number: int
    color: int
    x: int
    y: int
    dash: str = ""


@dataclass(frozen=True)
class Text:
    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Cell(Text):
    detail: str
    shade: int


@dataclass(frozen=True)
class PlacedHeatMap:
    """A heat map with the positions of its headings, its rows' labels, and the upper left corners of its cells."""

    headings: Sequence[Text]
    labels: Sequence[Text]
    cells: Sequence[Cell]
    cell_width: float
    cell_height: int = CELL_HEIGHT

    @property
    def middle(self) -> float:
        return round(self.cell_width / 2, 2)


def draw_svg(chart: Chart, facts: Sequence[str]) -> str:
    """Return the chart as an SVG file, with its title and, below it, the facts about it."""
    drawn = chart.drawn
    legend = list(_legend(drawn))
    top = TOP + LEGEND_ROW * (len({key.y for key in legend}) if legend else 0)
    left, right = _get_margins(chart)
    is_heat = isinstance(drawn, HeatTable)
    height = HEADING_HEIGHT + CELL_HEIGHT * len(drawn.rows) if is_heat else drawn.height
    width = WIDTH - left - right
    context = {
        "layout": "reports/charts/file.svg",
        "id": "chart",
        "title": chart.title,
        "facts": facts,
        "chart": drawn,
        "legend": legend,
        "is_empty": not chart.rows,
        "series": list(enumerate(SERIES, 1)),
        "shades": list(enumerate(SHADE_SHARES, 1)),
        "heat": _place(drawn, width) if isinstance(drawn, HeatTable) else None,
        "size": {"width": WIDTH, "height": top + height + MARGIN, "left": left, "top": top, "inner": width},
        "inner_height": height,
    }
    template = "heat-file.svg" if isinstance(chart, HeatMap) else f"{chart.template}.html"
    return render_to_string(f"reports/charts/{template}", context).strip()


def draw_png(svg: str) -> bytes:
    """Return a picture of the SVG file."""
    import resvg_py  # noqa: PLC0415  (only this file format needs the library)

    return bytes(
        resvg_py.svg_to_bytes(svg_string=svg, zoom=PNG_ZOOM, font_files=[str(FONT)], font_family="DejaVu Sans")
    )


def _get_margins(chart: Chart) -> tuple[int, int]:
    match chart:
        case BarChart() | StackedChart():
            return MARGIN, VALUE_WIDTH
        case ColumnChart() | LineChart():
            return MARGIN + AXIS_WIDTH, 2 * MARGIN
        case _:
            return MARGIN, MARGIN


def _legend(drawn: object) -> Iterator[Key]:
    """Yield the entries of the legend, in as many rows as they need."""
    match drawn:
        case StackedBars():
            keys = [(series.name, series.number, series.color, "") for series in drawn.series]
        case Lines() if len(drawn.lines) > 1:
            keys = [(line.name, line.number, line.color, line.dash) for line in drawn.lines]
        case _:
            keys = []
    x, y = MARGIN, TOP
    for name, number, color, dash in keys:
        width = 52 + int(LETTER_WIDTH * len(name))
        if x > MARGIN and x + width > WIDTH - MARGIN:
            x, y = MARGIN, y + LEGEND_ROW
        yield Key(name, number, color, x, y, dash)
        x += width


def _place(table: HeatTable, width: int) -> PlacedHeatMap:
    """Return the heat map with positions; headings are cut off where the next one begins."""
    cell_width = round((width - LABEL_WIDTH) / max(len(table.columns), 1), 2)
    letters = max(int(cell_width / LETTER_WIDTH), 2)
    lefts = [round(LABEL_WIDTH + place * cell_width, 2) for place in range(len(table.columns))]
    headings = [
        Text(round(left + cell_width / 2, 2), 14, shorten(column, letters))
        for left, column in zip(lefts, table.columns, strict=True)
    ]
    tops = [HEADING_HEIGHT + CELL_HEIGHT * number for number in range(len(table.rows))]
    max_label = int(LABEL_WIDTH / LETTER_WIDTH)
    labels = [
        Text(0, top + CELL_HEIGHT // 2 + 5, shorten(row.label, max_label))
        for top, row in zip(tops, table.rows, strict=True)
    ]
    cells = [
        Cell(left, top, cell.text or "–", cell.detail, cell.shade)  # noqa: RUF001 (as on the page)
        for top, row in zip(tops, table.rows, strict=True)
        for left, cell in zip(lefts, row.cells, strict=True)
    ]
    return PlacedHeatMap(headings, labels, cells, cell_width)
