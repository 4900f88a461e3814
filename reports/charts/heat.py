"""A heat map: a table in which higher figures have darker cells."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reports.charts.formatting import describe, format_figure
from reports.charts.rows import Figure, HeatCell, HeatRow

SHADES = 5


@dataclass(frozen=True)
class ShadedCell:
    name: str
    text: str
    detail: str
    href: str
    shade: int


@dataclass(frozen=True)
class ShadedRow:
    label: str
    href: str
    cells: tuple[ShadedCell, ...]


@dataclass(frozen=True)
class HeatTable:
    columns: Sequence[str]
    rows: tuple[ShadedRow, ...]
    palest: str  # the highest value of the palest shade
    darkest: str


def heat_table(columns: Sequence[str], rows: Sequence[HeatRow]) -> HeatTable:
    """Return the table with shades from 0 to SHADES, relative to the highest value that is not a total.

    A total is much higher than the values that it contains: measured by it, all of these would look the same.
    """
    highest = max((cell.value for row in rows for cell in row.cells if cell.value and not cell.is_total), default=0)
    shaded = tuple(_shaded_row(row, columns, highest) for row in rows)
    return HeatTable(columns, shaded, format_figure(highest / SHADES), format_figure(highest))


def _shaded_row(row: HeatRow, columns: Sequence[str], highest: Figure) -> ShadedRow:
    cells = zip(columns, row.cells, strict=True)
    return ShadedRow(row.label, row.href, tuple(_shaded(cell, f"{row.label}, {name}", highest) for name, cell in cells))


def _shaded(cell: HeatCell, label: str, highest: Figure) -> ShadedCell:
    if cell.value is None:
        return ShadedCell(f"{label}: unknown", "", cell.detail, cell.href, 0)
    is_shaded = cell.value and not cell.is_total
    shade = math.ceil(SHADES * cell.value / highest) if is_shaded else 0
    return ShadedCell(
        describe(label, cell.value, "", cell.detail), format_figure(cell.value), cell.detail, cell.href, shade
    )
