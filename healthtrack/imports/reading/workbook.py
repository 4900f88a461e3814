"""XLSX: the first sheet, its cells as text, after a look at what unpacking it would cost."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import fastexcel
import polars as pl
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from healthtrack.imports.faults import Fault, FileRefusedError
from healthtrack.imports.reading.table import BATCH_ROWS, LINE, Table

MOST_UNPACKED_BYTES = 2 * 1024**3
MOST_PACKED_RATIO = 200
SMALL_PART = 10 * 1024**2

_FORMULA_CELL = re.compile(rb'<(?:\w+:)?c [^>]*?\br="([A-Z]+)([0-9]+)"[^>]*><(?:\w+:)?f[ />]')
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_CHUNK = 1024**2
_OVERLAP = 1024


@contextmanager
def open_workbook(path: Path) -> Iterator[Table]:
    formulas = _look_inside(path)
    try:
        sheet = fastexcel.read_excel(path).load_sheet(0, header_row=None, skip_rows=0, dtypes="string")
    except fastexcel.FastExcelError as fault:
        raise FileRefusedError(_unreadable()) from fault
    frame = sheet.to_polars()
    frame = frame.rename({name: str(position) for position, name in enumerate(frame.columns)})
    filled = frame.with_row_index(LINE, 1).filter(~pl.all_horizontal(pl.exclude(LINE).is_null()))
    if filled.is_empty():
        raise FileRefusedError(Fault("The first sheet is empty; put the table there."))
    header = filled.row(0)
    table = Table([cell or "" for cell in header[1:]], header[0], iter(()))
    table.faults.extend(
        Fault("This cell holds a formula; paste its value instead.", line, table.headers[position], "")
        for position, line in formulas
        if position < len(table.headers)
    )
    table.batches = filled.slice(1).with_columns(pl.col(LINE).cast(pl.Int64)).iter_slices(BATCH_ROWS)
    yield table


def _look_inside(path: Path) -> list[tuple[int, int]]:
    """The positions and lines of the first sheet's formulas; refuses what is no workbook or unpacks to too much."""
    try:
        with ZipFile(path) as archive:
            parts = archive.infolist()
            unpacked = sum(part.file_size for part in parts)
            if unpacked > MOST_UNPACKED_BYTES or any(
                part.file_size > SMALL_PART and part.file_size > MOST_PACKED_RATIO * part.compress_size
                for part in parts
            ):
                raise FileRefusedError(Fault("The file unpacks to far more than its size; save the table as CSV."))
            if "xl/workbook.xml" not in archive.namelist():
                raise FileRefusedError(_unreadable())
            return list(_formulas(archive))
    except BadZipFile as fault:
        raise FileRefusedError(_unreadable()) from fault


def _formulas(archive: ZipFile) -> Iterator[tuple[int, int]]:
    seen = b""
    with archive.open(_first_sheet(archive)) as sheet:
        while chunk := sheet.read(_CHUNK):
            text = seen + chunk
            end = 0
            for cell in _FORMULA_CELL.finditer(text):
                end = cell.end()
                yield _position(cell[1].decode()), int(cell[2])
            seen = text[max(end, len(text) - _OVERLAP) :]


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
