"""Read the first sheet of an XLSX file. Cells become the texts that a CSV file would hold, formulas their own text."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from posixpath import join, normpath
from zipfile import ZipFile

import polars as pl

from healthtrack.imports.limits import check_rows
from healthtrack.imports.reading.archive import MAX_PARTS, open_archive, unreadable_workbook
from healthtrack.imports.reading.numbers import NumberFormatter, Styles
from healthtrack.imports.reading.sheet import Row, SharedTexts, SheetRows
from healthtrack.imports.reading.table import BATCH_ROWS, LINE, Table
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


class _Contents(PartParser):
    """Finds the first sheet in the workbook's list of sheets: the numbers in the names of the parts do not say it."""

    def __init__(self, relationships: _Relationships) -> None:
        super().__init__()
        self.first_sheet = ""
        self.from_1904 = False
        self._relationships = relationships

    def start(self, name: str, attributes: Attributes) -> None:
        self.depth += 1
        if name == self.main + "workbookPr":
            self.from_1904 = attributes.get("date1904") in {"1", "true"}
        elif name == self.main + "sheet" and not self.first_sheet:
            relationship = next((value for key, value in attributes.items() if key.endswith(_RELATIONSHIP_ID)), "")
            kind, path = self._relationships.parts.get(relationship, ("", ""))
            self.first_sheet = path if kind == "worksheet" else ""


@contextmanager
def open_workbook(path: Path) -> Iterator[Table]:
    """Open an XLSX file as a table. Raise FileError if it is damaged, too large or empty."""
    with open_archive(path) as archive:
        batches = _read_batches(archive)
        first, expected = next(batches)
        if not first:
            raise FileError(RowError("The first sheet is empty. Put the table there."))
        columns = _find_columns(first)
        (header_line, header), *rows = first
        table = Table([cell or "" for cell in _cells(header, columns)], header_line, expected - 1, iter(()))
        following = (batch for batch, _ in batches)
        table.batches = (_frame(batch, columns) for batch in chain([rows], following) if batch)
        yield table


def _find_columns(rows: Rows) -> range:
    """Return the columns that any of the first rows fills. Cells outside of them, further down, are ignored."""
    begin = min(next(position for position, cell in enumerate(row) if cell) for _, row in rows)
    return range(begin, max(len(row) for _, row in rows))


def _read_batches(archive: ZipFile) -> Iterator[tuple[Rows, int]]:
    """Return the sheet's rows in batches, each with an estimate of the number of rows in the whole sheet."""
    parser, part = _open_sheet(archive)
    size = archive.getinfo(part).file_size
    rows: Rows = []
    count = widest = begin = shared = 0  # `begin` is where in the part the batch begins
    for read in parser.parse(archive, part):
        count += len(parser.done)
        widest = max([widest, *(len(row) for _, row in parser.done)])
        rows += parser.done
        parser.done.clear()
        shared += parser.take_shared_bytes()
        if (
            len(rows) >= BATCH_ROWS
            or len(rows) * widest >= MAX_BATCH_CELLS
            or (rows and (read - begin >= MAX_BATCH_BYTES or shared >= MAX_BATCH_SHARED_BYTES))
        ):
            check_rows(count - 1)
            yield rows, count * size // read
            rows = []
            begin, shared = read, 0
    check_rows(count - 1)
    yield rows, count


def _open_sheet(archive: ZipFile) -> tuple[SheetRows, str]:
    """Return a parser for the first sheet, and the path of its part."""
    relationships = _Relationships()
    relationships.parse_whole(archive, _RELATIONSHIPS)
    contents = _Contents(relationships)
    contents.parse_whole(archive, _WORKBOOK)
    texts, styles = SharedTexts(), Styles()
    for kind, parser in (("sharedStrings", texts), ("styles", styles)):
        if part := relationships.find(kind):
            parser.parse_whole(archive, part)
    if contents.first_sheet not in archive.namelist():
        raise unreadable_workbook()
    numbers = NumberFormatter(styles.date_styles, from_1904=contents.from_1904)
    return SheetRows(texts, numbers.format), contents.first_sheet


def _frame(rows: Rows, columns: range) -> pl.DataFrame:
    by_column = zip(*(_cells(row, columns) for _, row in rows), strict=True)
    texts = {str(place): pl.Series(values=cells, dtype=pl.String) for place, cells in enumerate(by_column)}
    return pl.DataFrame({LINE: pl.Series(values=[line for line, _ in rows], dtype=pl.Int64), **texts})


def _cells(row: Row, columns: range) -> Row:
    cells = row[columns.start : columns.stop]
    return cells + [None] * (len(columns) - len(cells))
