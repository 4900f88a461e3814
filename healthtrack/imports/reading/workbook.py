"""Read a sheet of an XLSX file. Cells become the texts that a CSV file would hold, formulas their own text."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from posixpath import join, normpath
from zipfile import ZipFile

import polars as pl

from healthtrack.core.text import quote
from healthtrack.imports.limits import check_rows
from healthtrack.imports.reading.archive import MAX_PARTS, open_archive, read_chunks, unreadable_workbook
from healthtrack.imports.reading.lines import are_blank
from healthtrack.imports.reading.numbers import DisplayedNumber, NumberFormatter, Styles
from healthtrack.imports.reading.sheet import Row, SharedTexts, SheetRows
from healthtrack.imports.reading.sheet_marks import (
    NO_MARKS,
    MergedCellFiller,
    SheetMarks,
    find_merged_cells,
    has_marks,
)
from healthtrack.imports.reading.table import (
    BATCH_ROWS,
    LINE,
    SAMPLE_SHARE,
    FileStructure,
    HiddenRows,
    MergedCells,
    Table,
    drop_repeated_headers,
)
from healthtrack.imports.reading.xml import Attributes, PartParser
from healthtrack.imports.row_errors import FileError, RowError

MAX_BATCH_CELLS = 2**20
MAX_BATCH_BYTES = 16 * 2**20  # of the sheet
MAX_BATCH_SHARED_BYTES = 6 * 2**20  # of shared texts in cells
_WORKBOOK = "xl/workbook.xml"
_RELATIONSHIPS = "xl/_rels/workbook.xml.rels"
_RELATIONSHIP_ID = "/relationships id"

Rows = list[tuple[int, Row]]


class _Relationships(PartParser):
    """Collects the parts that the workbook refers to: their kind and path, by the id of the relationship."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: dict[str, tuple[str, str]] = {}

    def start(self, name: str, attributes: Attributes) -> None:
        self.depth += 1
        kind = attributes.get("Type", "").rpartition("/")[2]
        if kind in {"worksheet", "sharedStrings", "styles"} and attributes.get("TargetMode") != "External":
            path = normpath(join("/xl", attributes.get("Target", "")))
            self.parts[attributes.get("Id", "")] = kind, path.removeprefix("/")
            if len(self.parts) > MAX_PARTS:
                raise unreadable_workbook()

    def find(self, kind: str) -> str | None:
        """Return the path of the first part of a kind, or None."""
        return next((path for part_kind, path in self.parts.values() if part_kind == kind), None)


@dataclass(frozen=True)
class _Sheet:
    name: str
    part: str
    is_hidden: bool


class _Contents(PartParser):
    """Collects the worksheets in the order of the workbook's list, which the names of the parts do not follow."""

    def __init__(self, relationships: _Relationships) -> None:
        super().__init__()
        self.sheets: list[_Sheet] = []
        self.from_1904 = False
        self._relationships = relationships

    def start(self, name: str, attributes: Attributes) -> None:
        self.depth += 1
        if name == self.main + "workbookPr":
            self.from_1904 = attributes.get("date1904") in {"1", "true"}
        elif name == self.main + "sheet":
            relationship = next((value for key, value in attributes.items() if key.endswith(_RELATIONSHIP_ID)), "")
            kind, path = self._relationships.parts.get(relationship, ("", ""))
            if kind == "worksheet":
                is_hidden = attributes.get("state", "visible") != "visible"
                self.sheets.append(_Sheet(attributes.get("name", ""), path, is_hidden))
                if len(self.sheets) > MAX_PARTS:
                    raise unreadable_workbook()


class Workbook:
    """An open workbook: its visible sheets, and what all of them share."""

    def __init__(self, archive: ZipFile) -> None:
        self._archive = archive
        relationships = _Relationships()
        relationships.parse_whole(archive, _RELATIONSHIPS)
        contents = _Contents(relationships)
        contents.parse_whole(archive, _WORKBOOK)
        self._texts, styles = SharedTexts(), Styles()
        for kind, parser in (("sharedStrings", self._texts), ("styles", styles)):
            if part := relationships.find(kind):
                parser.parse_whole(archive, part)
        self._format_number = NumberFormatter(styles.formats, from_1904=contents.from_1904).format
        self._parts = {sheet.name: sheet.part for sheet in reversed(contents.sheets) if not sheet.is_hidden}
        self.sheets = list(reversed(self._parts))
        self._marks: dict[str, SheetMarks] = {}  # by part
        if not contents.sheets:
            raise unreadable_workbook()
        if not self.sheets:
            raise FileError(RowError("All sheets of the workbook are hidden. Show the sheet that has the table."))

    def find_marks(self, sheet: str) -> SheetMarks:
        """Return the merged cells and hidden rows of a sheet. The first call reads the whole sheet."""
        part = self._find_part(sheet)
        if part not in self._marks:
            self._marks[part] = NO_MARKS
            if has_marks(read_chunks(self._archive, part)):
                self._marks[part] = self._read_marks(part)
        return self._marks[part]

    def _read_marks(self, part: str) -> SheetMarks:
        parser = SheetRows(self._texts, self._format_number)
        for _ in parser.parse(self._archive, part):
            parser.done.clear()
            parser.take_shared_bytes()
        return SheetMarks(list(find_merged_cells(parser.merged)), parser.hidden, frozenset(parser.hidden_columns))

    def _find_part(self, sheet: str) -> str:
        part = self._parts.get(sheet or self.sheets[0])
        if part is None:
            raise FileError(RowError(f"The workbook has no visible sheet {quote(sheet)}. Choose another sheet."))
        if part not in self._archive.namelist():
            raise unreadable_workbook()
        return part

    def read_batches(self, structure: FileStructure, *, batch_rows: int = 0) -> Iterator[tuple[Rows, int]]:
        """Return the rows of a sheet in batches, each with an estimate of the number of rows in the whole sheet."""
        part, complete = self._find_part(structure.sheet), self._make_completion(structure)
        parser = SheetRows(self._texts, self._format_number)
        size = self._archive.getinfo(part).file_size
        share = SAMPLE_SHARE if batch_rows else 1
        rows: Rows = []
        count = widest = begin = shared = 0  # `begin` is where in the part the batch begins
        for read in parser.parse(self._archive, part):
            count += len(parser.done)
            widest = max([widest, *(len(row) for _, row in parser.done)])
            rows += complete(parser.done) if complete else parser.done
            parser.done.clear()
            shared += parser.take_shared_bytes()
            if (
                len(rows) >= (batch_rows or BATCH_ROWS)
                or len(rows) * widest >= MAX_BATCH_CELLS // share
                or (rows and (read - begin >= MAX_BATCH_BYTES // share or shared >= MAX_BATCH_SHARED_BYTES // share))
            ):
                check_rows(count - 1)
                yield rows, count * size // read
                rows = []
                begin, shared = read, 0
        check_rows(count - 1)
        yield rows, count

    def _make_completion(self, structure: FileStructure) -> Callable[[Rows], Rows] | None:
        """Return what repeats merged cells in rows and leaves out hidden ones; None if there is nothing to do."""
        in_rows, in_columns = (
            each is MergedCells.REPEAT for each in (structure.merged_cells, structure.merged_columns)
        )
        leaves_out = structure.hidden_rows is HiddenRows.LEAVE_OUT
        if not (in_rows or in_columns or leaves_out):
            return None
        marks, header_line = self.find_marks(structure.sheet), structure.header_line
        merged = marks.merged if in_rows or in_columns else ()
        filler = MergedCellFiller(merged, header_line, in_rows=in_rows, in_columns=in_columns)
        hidden = {line for line in marks.hidden if leaves_out and line > header_line}

        def complete(rows: Rows) -> Rows:
            filler.fill(rows)
            return [(line, row) for line, row in rows if line not in hidden] if hidden else rows

        return complete if marks != NO_MARKS else None


@contextmanager
def open_book(path: Path) -> Iterator[Workbook]:
    """Open an XLSX file. Raise FileError if it is damaged or too large."""
    with open_archive(path) as archive:
        yield Workbook(archive)


@contextmanager
def open_workbook(path: Path, structure: FileStructure, *, batch_rows: int = 0) -> Iterator[Table]:
    """Open a sheet of an XLSX file as a table: the first visible one, and its first row as header, unless known."""
    with open_book(path) as book, open_sheet(book, structure, batch_rows=batch_rows) as table:
        yield table


@contextmanager
def open_sheet(book: Workbook, structure: FileStructure, *, batch_rows: int = 0) -> Iterator[Table]:
    """Open a sheet of an open workbook as a table; see `open_workbook`."""
    table = _make_table(book, structure, batch_rows)
    try:
        yield table
    finally:
        table.forget_rows()


def _make_table(book: Workbook, structure: FileStructure, batch_rows: int) -> Table:
    batches = book.read_batches(structure, batch_rows=batch_rows)
    first, expected = next(batches)
    first = [(line, row) for line, row in first if line >= structure.header_line]
    if not first:
        raise FileError(RowError("The sheet is empty. Put the table there, or choose another sheet."))
    columns = _find_columns(first)
    (header_line, header), *rows = first
    table = Table([cell or "" for cell in _cells(header, columns)], header_line, expected - 1, iter(()))
    table.first_column = columns.start
    following = (batch for batch, _ in batches)
    frames = (_frame(batch, columns, table.text_columns) for batch in chain([rows], following) if batch)
    table.batches = drop_repeated_headers(frames, table.headers)
    return table


def _find_columns(first: Rows) -> range:
    """Return the columns that any of the first rows fills. Cells outside of them, further down, are ignored."""
    begin = min(next(position for position, cell in enumerate(row) if cell) for _, row in first)
    return range(begin, max(len(row) for _, row in first))


def _frame(rows: Rows, columns: range, text_columns: Collection[int]) -> pl.DataFrame:
    filled = [(line, row) for line, row in rows if not are_blank(row)]
    by_column = zip(*(_cells(row, columns) for _, row in filled), strict=True)
    texts = {
        str(place): pl.Series(values=_display(cells) if place in text_columns else cells, dtype=pl.String)
        for place, cells in enumerate(by_column)
    } or {str(place): pl.Series(dtype=pl.String) for place in range(len(columns))}
    return pl.DataFrame({LINE: pl.Series(values=[line for line, _ in filled], dtype=pl.Int64), **texts})


def _display(cells: Sequence[str | None]) -> list[str | None]:
    return [cell.shown if type(cell) is DisplayedNumber else cell for cell in cells]


def _cells(row: Row, columns: range) -> Row:
    cells = row[columns.start : columns.stop]
    return cells + [None] * (len(columns) - len(cells))
