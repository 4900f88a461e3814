"""What a sheet says about its rows: which cells are merged over several of them, and which rows are hidden."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from healthtrack.imports.reading.lines import is_blank
from healthtrack.imports.reading.sheet import MAX_COLUMNS, Row, find_column_position

# Both are rare, and the sheet names merged cells only after its rows. So the bytes are searched before they are parsed.
_MARK = re.compile(rb"<(?:[\w.\-]+:)?(?:mergeCell\s|row\s[^>]*?\bhidden=[\"'](?:1|true)[\"'])")
_TAIL_BYTES = 512  # more than the tag of a row
_AREA = re.compile(r"([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})")


@dataclass(frozen=True)
class MergedCell:
    """A cell that is merged with those below it: its column, its row and the last one of these rows."""

    column: int
    first: int
    last: int


@dataclass(frozen=True)
class SheetMarks:
    """The cells of a sheet that are merged over several rows, and the numbers of its hidden rows with content."""

    merged: Sequence[MergedCell] = ()
    hidden: Sequence[int] = ()


NO_MARKS = SheetMarks()


def has_marks(chunks: Iterable[bytes]) -> bool:
    """Return whether a sheet, as the bytes of its part, may have merged cells or hidden rows."""
    tail = b""
    for chunk in chunks:
        window = tail + chunk
        if (b"mergeCell" in window or b"hidden" in window) and _MARK.search(window):
            return True
        tail = window[-_TAIL_BYTES:]
    return False


def find_merged_cells(areas: Iterable[str]) -> Iterator[MergedCell]:
    """Return the cells whose areas, such as A2:A4, have several rows. Only their first column has the value."""
    for area in areas:
        if match := _AREA.fullmatch(area):
            column, first, last = find_column_position(match[1]), int(match[2]), int(match[4])
            if first < last and column < MAX_COLUMNS:
                yield MergedCell(column, first, last)


@dataclass
class MergedCellFiller:
    """Repeats the value of merged cells in each of their rows, batch by batch.

    A cell that is merged with the header fills no row below it, and rows without content of their own stay blank.
    """

    merged: Sequence[MergedCell]
    header_line: int
    _open: dict[int, tuple[int, str]] = field(default_factory=dict)  # by column: the last row, and the value

    def __post_init__(self) -> None:
        self._by_first: Mapping[int, list[MergedCell]] = defaultdict(list)
        for cell in self.merged:
            self._by_first[cell.first].append(cell)

    def fill(self, rows: Iterable[tuple[int, Row]]) -> None:
        """Fill the empty cells of the rows, which are in the order of the sheet."""
        for line, row in rows:
            if self._open:
                self._fill(line, row)
            for cell in self._by_first.get(line, ()):
                value = row[cell.column] if cell.column < len(row) else None
                if value and not cell.first <= self.header_line < cell.last:
                    self._open[cell.column] = cell.last, value

    def _fill(self, line: int, row: Row) -> None:
        self._open = {column: (last, value) for column, (last, value) in self._open.items() if line <= last}
        if all(cell is None or is_blank(cell) for cell in row):
            return
        for column, (_, value) in self._open.items():
            row.extend([None] * (column + 1 - len(row)))
            row[column] = row[column] or value
