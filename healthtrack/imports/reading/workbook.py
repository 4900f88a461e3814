"""XLSX: the first sheet, its cells as text, after a look at what unpacking it would cost."""

import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import fastexcel
import polars as pl
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from healthtrack.imports.faults import Fault, FileRefusedError
from healthtrack.imports.limits import check_rows
from healthtrack.imports.reading.table import BATCH_ROWS, LINE, Table

MOST_UNPACKED_BYTES = 2 * 1024**3
MOST_PACKED_RATIO = 200
SMALL_PART = 10 * 1024**2

# A cell that holds a formula or an error, and as much of it as is shown.
_UNFIT_CELL = re.compile(
    rb'<(?:\w+:)?c [^>]*?\br="([A-Z]+)([0-9]+)"'
    rb"(?:[^>]*>\s*<(?:\w+:)?f\b[^>]*>(?P<formula>[^<]{0,200})"
    rb'|[^>]*\bt="e"[^>]*>\s*<(?:\w+:)?v>(?P<error>[^<]{0,20}))'
)
# The reader makes room for the whole rectangle that the cells span, so a lone cell far off would cost all memory.
MOST_COLUMNS = 702  # up to column ZZ
MOST_SPANNED_CELLS = 26 * 2**20  # all lines of an alphabet of columns
_FAR_CELL = re.compile(rb'\br="([A-Z]{2,})([0-9]+)"')
_FAR_ROW = re.compile(rb'<(?:\w+:)?row [^>]*?\br="([0-9]+)"')
_ONE_LETTER_COLUMNS = 26
# What the archive's reading raises when its bytes are damaged, besides BadZipFile.
_DAMAGES = (BadZipFile, zlib.error, RuntimeError, OSError, EOFError)
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_CHUNK = 1024**2
_OVERLAP = 1024


@contextmanager
def open_workbook(path: Path) -> Iterator[Table]:
    unfit = _look_inside(path)
    try:
        sheet = fastexcel.read_excel(path).load_sheet(0, header_row=None, skip_rows=0, dtypes="string")
    except fastexcel.FastExcelError as fault:
        raise FileRefusedError(_unreadable()) from fault
    frame = sheet.to_polars()
    # The sheet begins at its first column that holds anything.
    places = {column.absolute_index: column.index for column in sheet.selected_columns}
    frame = frame.rename({name: str(position) for position, name in enumerate(frame.columns)})
    filled = frame.with_row_index(LINE, 1).filter(~pl.all_horizontal(pl.exclude(LINE).is_null()))
    if filled.is_empty():
        raise FileRefusedError(Fault("The first sheet is empty; put the table there."))
    header_line, *header = filled.row(0)
    rows = filled.slice(1).with_columns(pl.col(LINE).cast(pl.Int64))
    texts: dict[int, dict[int, str]] = {}
    for position, line, text in unfit:
        if position in places and line > header_line:
            texts.setdefault(places[position], {})[line] = text
    for place, of_lines in texts.items():
        rows = _with_texts(rows, str(place), of_lines)
    check_rows(len(rows))
    yield Table([cell or "" for cell in header], header_line, len(rows), rows.iter_slices(BATCH_ROWS))


def _with_texts(rows: pl.DataFrame, column: str, of_lines: dict[int, str]) -> pl.DataFrame:
    texts = pl.DataFrame({LINE: of_lines.keys(), column: of_lines.values()}, {LINE: pl.Int64, column: pl.String})
    return rows.update(texts, on=LINE, how="full").sort(LINE)


def _look_inside(path: Path) -> list[tuple[int, int, str]]:
    """The first sheet's cells that hold no value of their own; refuses what is no workbook or unpacks to too much."""
    try:
        with ZipFile(path) as archive:
            if "xl/workbook.xml" not in archive.namelist():
                raise FileRefusedError(_unreadable())
            _weigh(archive)
            _measure(archive)
            return list(_unfit_cells(archive))
    except _DAMAGES as fault:
        raise FileRefusedError(_unreadable()) from fault


def _weigh(archive: ZipFile) -> None:
    """Unpacks the parts, keeping nothing: what the archive says of their sizes may be untrue."""
    unpacked = 0
    for part in archive.infolist():
        part.file_size = MOST_UNPACKED_BYTES  # to be read to its true end
        most = max(SMALL_PART, MOST_PACKED_RATIO * part.compress_size)
        size = 0
        with archive.open(part) as content:
            while chunk := content.read(_CHUNK):
                size += len(chunk)
                if size > most or unpacked + size > MOST_UNPACKED_BYTES:
                    raise FileRefusedError(Fault("The file unpacks to far more than its size; save the table as CSV."))
        unpacked += size


def _measure(archive: ZipFile) -> None:
    """Refuses a first sheet whose cells span far more than a table would."""
    width, height = _ONE_LETTER_COLUMNS, 0
    for text in _sheet_text(archive):
        far = [(_position(cell[1].decode()) + 1, int(cell[2])) for cell in _FAR_CELL.finditer(text)]
        width = max([width, *(column for column, _ in far)])
        height = max([height, *(line for _, line in far), *(int(row[1]) for row in _FAR_ROW.finditer(text))])
        if width > MOST_COLUMNS or width * height > MOST_SPANNED_CELLS:
            raise FileRefusedError(
                Fault("The first sheet holds cells far off the table; delete them, or save the table as CSV.")
            )


def _unfit_cells(archive: ZipFile) -> Iterator[tuple[int, int, str]]:
    """Position, line and text of each cell that holds a formula or an error: a formula is read as its text."""
    for text in _sheet_text(archive):
        for cell in _UNFIT_CELL.finditer(text):
            told = cell["error"] if cell["formula"] is None else b"=" + cell["formula"]
            yield _position(cell[1].decode()), int(cell[2]), unescape(told.decode(errors="replace"))


def _sheet_text(archive: ZipFile) -> Iterator[bytes]:
    """The first sheet in pieces; they overlap, for a cell may stand across their border."""
    text = b""
    with archive.open(_first_sheet(archive)) as sheet:
        while chunk := sheet.read(_CHUNK):
            text = text[-_OVERLAP:] + chunk
            yield text


def _first_sheet(archive: ZipFile) -> str:
    """The part that holds the first sheet, by the workbook's own list: parts are numbered in no certain order."""
    try:
        sheet = fromstring(archive.read("xl/workbook.xml")).find(f"{_MAIN}sheets/{_MAIN}sheet")
        relations = fromstring(archive.read("xl/_rels/workbook.xml.rels"))
        targets = {relation.get("Id"): relation.get("Target") for relation in relations}
        name = f"xl/{targets[sheet.get(_RELATION_ID)]}" if sheet is not None else ""
        return archive.getinfo(name.replace("xl//xl/", "xl/")).filename
    except (KeyError, ParseError, DefusedXmlException) as fault:
        raise FileRefusedError(_unreadable()) from fault


def _position(letters: str) -> int:
    position = 0
    for letter in letters:
        position = position * 26 + ord(letter) - ord("A") + 1
    return position - 1


def _unreadable() -> Fault:
    return Fault("The file is not an XLSX workbook that can be read; save it anew as XLSX or as CSV.")
