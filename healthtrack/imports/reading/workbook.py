"""XLSX: the first sheet, its cells as the texts that a CSV file would hold, and formulas as theirs."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from posixpath import join, normpath
from zipfile import ZipFile

import polars as pl

from healthtrack.imports.limits import check_rows
from healthtrack.imports.reading.archive import open_archive, unreadable
from healthtrack.imports.reading.numbers import Numbers, Styles
from healthtrack.imports.reading.sheet import Row, SharedTexts, SheetRows
from healthtrack.imports.reading.table import BATCH_ROWS, LINE, Table
from healthtrack.imports.reading.xml import Attributes, PartParser
from healthtrack.imports.row_errors import Fault, FileRefusedError

MOST_BATCH_CELLS = 2**20
_WORKBOOK = "xl/workbook.xml"
_RELATIONS = "xl/_rels/workbook.xml.rels"
_RELATION_ID = "/relationships id"

Rows = list[tuple[int, Row]]


class _Relations(PartParser):
    """The parts that the workbook names: their kinds and places, by the names that it has for them."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: dict[str, tuple[str, str]] = {}

    def start(self, name: str, attributes: Attributes) -> None:
        kind = attributes.get("Type", "").rpartition("/")[2]
        if kind in {"worksheet", "sharedStrings", "styles"} and attributes.get("TargetMode") != "External":
            place = normpath(join("/xl", attributes.get("Target", "")))
            self.parts[attributes.get("Id", "")] = kind, place.removeprefix("/")

    def of_kind(self, kind: str) -> str | None:
        return next((place for of, place in self.parts.values() if of == kind), None)


class _Contents(PartParser):
    """The workbook's own list of sheets: their parts are numbered in no certain order."""

    def __init__(self, relations: _Relations) -> None:
        super().__init__()
        self.first_sheet = ""
        self.from_1904 = False
        self._relations = relations

    def start(self, name: str, attributes: Attributes) -> None:
        if name == self.main + "workbookPr":
            self.from_1904 = attributes.get("date1904") in {"1", "true"}
        elif name == self.main + "sheet" and not self.first_sheet:
            relation = next((value for key, value in attributes.items() if key.endswith(_RELATION_ID)), "")
            kind, place = self._relations.parts.get(relation, ("", ""))
            self.first_sheet = place if kind == "worksheet" else ""


@contextmanager
def open_workbook(path: Path) -> Iterator[Table]:
    with open_archive(path) as archive:
        batches = _batches(archive)
        first, expected = next(batches)
        if not first:
            raise FileRefusedError(Fault("The first sheet is empty; put the table there."))
        columns = _columns_of(first)
        (header_line, header), *rows = first
        table = Table([cell or "" for cell in _cells(header, columns)], header_line, expected - 1, iter(()))
        following = (batch for batch, _ in batches)
        table.batches = (_frame(batch, columns) for batch in chain([rows], following) if batch)
        yield table


def _columns_of(rows: Rows) -> range:
    """Those that any of the first rows fills: what stands elsewhere further down is no part of the table."""
    begin = min(next(position for position, cell in enumerate(row) if cell) for _, row in rows)
    return range(begin, max(len(row) for _, row in rows))


def _batches(archive: ZipFile) -> Iterator[tuple[Rows, int]]:
    """The sheet's rows, and how many there will have been at its end, by what is read so far."""
    parser, part = _sheet(archive)
    size = archive.getinfo(part).file_size
    rows: Rows = []
    count = widest = 0
    for read in parser.parse(archive, part):
        count += len(parser.done)
        widest = max([widest, *(len(row) for _, row in parser.done)])
        rows += parser.done
        parser.done.clear()
        if len(rows) >= BATCH_ROWS or len(rows) * widest >= MOST_BATCH_CELLS:
            check_rows(count - 1)
            yield rows, count * size // read
            rows = []
    check_rows(count - 1)
    yield rows, count


def _sheet(archive: ZipFile) -> tuple[SheetRows, str]:
    relations = _Relations()
    relations.parse_whole(archive, _RELATIONS)
    contents = _Contents(relations)
    contents.parse_whole(archive, _WORKBOOK)
    texts, styles = SharedTexts(), Styles()
    for kind, parser in (("sharedStrings", texts), ("styles", styles)):
        if part := relations.of_kind(kind):
            parser.parse_whole(archive, part)
    if contents.first_sheet not in archive.namelist():
        raise unreadable()
    return SheetRows(texts, Numbers(styles.of_days, from_1904=contents.from_1904).in_words), contents.first_sheet


def _frame(rows: Rows, columns: range) -> pl.DataFrame:
    by_column = zip(*(_cells(row, columns) for _, row in rows), strict=True)
    texts = {str(place): pl.Series(values=cells, dtype=pl.String) for place, cells in enumerate(by_column)}
    return pl.DataFrame({LINE: pl.Series(values=[line for line, _ in rows], dtype=pl.Int64), **texts})


def _cells(row: Row, columns: range) -> Row:
    cells = row[columns.start : columns.stop]
    return cells + [None] * (len(columns) - len(cells))
