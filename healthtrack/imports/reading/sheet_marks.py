"""What a sheet says about its rows and columns: which cells are merged over several of them, and which are hidden."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from healthtrack.imports.reading.lines import are_blank
from healthtrack.imports.reading.sheet import MAX_COLUMNS, Row, find_column_position

# They are rare, and the sheet names merged cells only after its rows. So the bytes are searched before they are parsed.
_MARK = re.compile(rb"<(?:[\w.\-]+:)?(?:mergeCell\s|(?:row|col)\s[^>]*?\bhidden=[\"'](?:1|true)[\"'])")
_TAIL_BYTES = 512  # more than the tag of a row
_AREA = re.compile(r"([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})")


@dataclass(frozen=True)
class MergedCell:
    """A cell that is merged with those below it or beside it: its column and row, and the last ones of the area."""

    column: int
    first: int
    last_column: int
    last: int


@dataclass(frozen=True)
class SheetMarks:
    """The merged cells of a sheet, the numbers of its hidden rows with content, and the positions of hidden columns."""

    merged: Sequence[MergedCell] = ()
    hidden: Sequence[int] = ()
    hidden_columns: Collection[int] = ()


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
    """Return the cells whose areas, such as A2:A4, have several rows or columns. Only the first cell has the value."""
    for area in areas:
        if match := _AREA.fullmatch(area):
            column, last_column = find_column_position(match[1]), find_column_position(match[3])
            first, last = int(match[2]), int(match[4])
            if (first < last or column < last_column) and column < MAX_COLUMNS:
                yield MergedCell(column, first, min(last_column, MAX_COLUMNS - 1), last)


@dataclass
class MergedCellFiller:
    """Repeats the value of merged cells in each of their rows or columns, batch by batch.

    A cell that is merged with the header fills nothing below it. Rows without content of their own stay blank, and
    names of columns are not repeated beside each other.
    """

    merged: Sequence[MergedCell]
    header_line: int
    in_rows: bool = True
    in_columns: bool = False
    _open: dict[int, tuple[int, str]] = field(default_factory=dict)  # by column: the last row, and the value

    def __post_init__(self) -> None:
        self._by_first: Mapping[int, list[MergedCell]] = defaultdict(list)
        for cell in self.merged:
            self._by_first[cell.first].append(cell)

    def fill(self, rows: Iterable[tuple[int, Row]]) -> None:
        """Fill the empty cells of the rows, which are in the order of the sheet."""
        for line, row in rows:
            for cell in self._by_first.get(line, ()):
                self._begin(cell, row)
            if self._open:
                self._fill(line, row)

    def _begin(self, cell: MergedCell, row: Row) -> None:
        value = row[cell.column] if cell.column < len(row) else None
        if not value or cell.first <= self.header_line < cell.last:
            return
        is_repeated = self.in_columns and cell.first > self.header_line
        for column in range(cell.column, cell.last_column + 1 if is_repeated else cell.column + 1):
            self._open[column] = cell.last if self.in_rows else cell.first, value

    def _fill(self, line: int, row: Row) -> None:
        self._open = {column: (last, value) for column, (last, value) in self._open.items() if line <= last}
        if are_blank(row):
            return
        for column, (_, value) in self._open.items():
            row.extend([None] * (column + 1 - len(row)))
            row[column] = row[column] or value
