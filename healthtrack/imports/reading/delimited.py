"""Read CSV and TSV files.

Nearly all lines of a file hold one record each, and polars reads these many at a time. Where a line does not, the
standard library's reader takes over for that part of the file, because it knows on which line a record begins.
"""

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TextIO

import polars as pl

from healthtrack.core.cleaning import INVISIBLE
from healthtrack.core.formula_escaping import BYTE_ORDER_MARK
from healthtrack.imports.limits import check_rows
from healthtrack.imports.reading.encodings import detect_encoding
from healthtrack.imports.reading.malformed import (
    MAX_CELL_CHARACTERS,
    describe_syntax_error,
    describe_width_error,
    split_first_line,
)
from healthtrack.imports.reading.table import BATCH_ROWS, LINE, SAMPLE_SHARE, FileStructure, Table
from healthtrack.imports.row_errors import FileError, RowError

DELIMITERS = ",\t;|"
MAX_HEADER_LINES = 20  # of one header with line breaks in quotes
MAX_LINE_CHARACTERS = 12 * 2**20
MAX_COLUMNS = 1024
# Of a batch, so that few long rows need no more memory than many short ones.
MAX_BATCH_CHARACTERS = 2**22
_BLOCK_BYTES = 1024**2
_QUOTED = "\x02"
_PADDING = "\0\x1a"  # at the end of files of some programs
_BLANK = rf"^(?:\s|{INVISIBLE}|[\x00\x1a])*$"
_SEPARATOR_LINE = re.compile(r"sep=([,;|:^~\t])[\r\n]*$", re.IGNORECASE)


class Lines:
    """An iterator over a file's lines, some of which can be put back to be read again."""

    def __init__(self, file: TextIO) -> None:
        self._file = _split_lines(file)
        self._returned: list[str] = []
        self.record: list[str] = []
        self.number = 0
        self.batch_rows = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._returned.pop() if self._returned else next(self._file)
        self.number += 1
        self.record.append(line)
        return line

    def find_header(self, line: int = 0) -> int:
        """Go to the line, or to the first one that is neither blank nor names the delimiter. Return its number."""
        for text in self:
            if self.number < line or (not line and (is_blank(text) or get_named_delimiter(text))):
                continue
            self.put_back([text])
            return self.number + 1
        return max(self.number, 1)

    def read_batch(self) -> list[str]:
        """Return the next lines of the file. Only to be called while no line is put back."""
        lines: list[str] = []
        characters = 0
        most = MAX_BATCH_CHARACTERS // SAMPLE_SHARE if self.batch_rows else MAX_BATCH_CHARACTERS
        for line in self._file:
            lines.append(line)
            characters += len(line)
            if len(lines) >= (self.batch_rows or BATCH_ROWS) or characters >= most:
                break
        self.number += len(lines)
        return lines

    def put_back(self, lines: list[str]) -> None:
        self._returned.extend(reversed(lines))
        self.number -= len(lines)

    def begin_record(self) -> int:
        """Start to collect the lines of a record. Return the line on which it begins."""
        self.record.clear()
        return self.number + 1

    def put_back_record(self) -> None:
        """Put back all lines of the record but its first, so that an unclosed quote costs only its own line."""
        self.put_back(self.record[1:])

    @property
    def any_put_back(self) -> bool:
        return bool(self._returned)


@contextmanager
def open_text(path: Path, structure: FileStructure, *, batch_rows: int = 0) -> Iterator[Table]:
    """Open a text file as a table.

    Without a known structure, the header is the first line that is not blank, and the delimiter is the one that the
    header holds most often.
    """
    with open_lines(path, structure.encoding) as lines:
        lines.batch_rows = batch_rows
        line = lines.find_header(structure.header_line)
        expected = max(count_lines(path) - line, 0)
        check_rows(expected)
        header = read_header(lines, structure.delimiter)
        table = Table(header.cells, line, expected, iter(()))
        table.batches = _read_batches(table, lines, header.delimiter)
        try:
            yield table
        finally:
            table.forget_rows()


@contextmanager
def open_lines(path: Path, encoding: str = "") -> Iterator[Lines]:
    """Open a text file as lines, without the byte-order marks at its beginning and the padding at its end."""
    codec = encoding or detect_encoding(path).name
    with path.open(encoding=codec, errors="replace", newline="") as file:
        yield Lines(file)


def count_lines(path: Path) -> int:
    """Return how many lines a file has. Each ends in LF, in CR or in both, as `open` reads them."""
    lines = 0
    last = b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            lines += block.count(b"\n") + block.count(b"\r") - block.count(b"\r\n")
            lines -= last == b"\r" and block.startswith(b"\n")
            last = block[-1:]
    return lines + (last not in {b"\n", b"\r"})


def _split_lines(file: TextIO) -> Iterator[str]:
    """Yield the lines of a file. Raise FileError at one that is too long, before all of it is in memory."""
    for number, line in enumerate(iter(partial(file.readline, MAX_LINE_CHARACTERS + 1), ""), 1):
        if len(line) > MAX_LINE_CHARACTERS:
            reason = f"The line is longer than {MAX_LINE_CHARACTERS:,} characters. Begin a new line for each row."
            raise FileError(RowError(reason, number))
        text = line.lstrip(BYTE_ORDER_MARK) if number == 1 else line
        yield text.rstrip(_PADDING) if text.endswith(tuple(_PADDING)) else text


def is_blank(text: str) -> bool:
    """Return whether a line or cell has no visible content."""
    return bool(re.match(_BLANK, text))


def get_named_delimiter(line: str) -> str:
    """Return the delimiter that a first line such as `sep=;` names, or an empty text."""
    named = _SEPARATOR_LINE.match(line)
    return named[1] if named else ""


@dataclass(frozen=True)
class Header:
    """The cells of a header, and the delimiter between them."""

    cells: list[str]
    delimiter: str


def read_header(lines: Lines, delimiter: str = "") -> Header:
    """Read the record that begins on the next line as the header. Without a delimiter, take the most frequent one."""
    line = lines.begin_record()
    text = next(lines, "")
    lines.put_back([text] if text else [])
    delimiter = delimiter or max(DELIMITERS, key=text.count)
    if text.count(delimiter) >= MAX_COLUMNS:
        reason = f"The header has more than {MAX_COLUMNS:,} columns. Delete those that are not needed."
        raise FileError(RowError(reason, line))
    return Header(_read_header_record(lines, line, delimiter), delimiter)


def _read_header_record(lines: Lines, line: int, delimiter: str) -> list[str]:
    lines.begin_record()
    try:
        record = next(csv.reader(lines, delimiter=delimiter, strict=True), [])
    except csv.Error:
        record = None
    if record is not None and len(lines.record) <= MAX_HEADER_LINES:
        return record
    lines.put_back_record()
    try:
        return next(csv.reader(lines.record[:1], delimiter=delimiter), [])
    except csv.Error as error:
        reason = (
            f"A column name is longer than {MAX_CELL_CHARACTERS:,} characters. Begin the file with the header line."
        )
        raise FileError(RowError(reason, line)) from error


def _read_batches(table: Table, lines: Lines, delimiter: str) -> Iterator[pl.DataFrame]:
    names = [str(position) for position in range(len(table.headers))]
    while chunk := lines.read_batch():
        batch = _parse_single_lines(chunk, lines.number - len(chunk) + 1, names, delimiter)
        if batch is None:
            lines.put_back(chunk)
            batch = _frame(list(_parse_records(table, lines, delimiter)), names)
        yield batch


def _parse_single_lines(chunk: list[str], first: int, names: list[str], delimiter: str) -> pl.DataFrame | None:
    """Return the records of lines that hold one each and fit the header, or None if any line does not."""
    if max(map(len, chunk)) > MAX_CELL_CHARACTERS:
        return None
    lines = pl.DataFrame({"text": chunk}, schema={"text": pl.String}).with_row_index(LINE, first)
    text = pl.col("text").str.strip_chars_end("\r\n")
    lines = lines.with_columns(text).filter(~text.str.contains(_BLANK))
    bare = lines["text"]
    if bare.str.contains('"', literal=True).any():
        # Quoted cells become a mark. What quotes are left then, and what follows a mark, only csv can read.
        bare = bare.str.replace_all(f'(^|{re.escape(delimiter)})"([^"]|"")*"', f"${{1}}{_QUOTED}")
        if bare.str.contains(f'"|{_QUOTED}[^{re.escape(delimiter)}]').any():
            return None
    if (bare.str.count_matches(delimiter, literal=True) != len(names) - 1).any():
        return None
    if bare.is_empty():
        return _frame([], names)
    # polars removes a byte order mark from the beginning: with this one it leaves one that belongs to the first cell.
    records = pl.read_csv(
        BytesIO(("\ufeff" + "\n".join(lines["text"])).encode()),
        has_header=False,
        separator=delimiter,
        schema=dict.fromkeys(names, pl.String),
        empty_string_is_null=False,
    )
    return _drop_blank_rows(records.insert_column(0, lines[LINE].cast(pl.Int64)), names)


def _drop_blank_rows(records: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Return the records that have any content. The first cell of nearly all of them has."""
    if not records[names[0]].str.contains(_BLANK).any():
        return records
    return records.filter(~pl.all_horizontal(pl.col(name).str.contains(_BLANK) for name in names))


def _parse_records(table: Table, lines: Lines, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Return the records that begin on lines that were put back, each with the line on which it begins."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    width = len(table.headers)
    while lines.any_put_back:
        line = lines.begin_record()
        try:
            record = next(reader)
        except csv.Error as error:
            cells = split_first_line(lines.record, delimiter)
            table.add_malformed_row(describe_syntax_error(error, line, lines.record, cells, table.headers), cells)
            lines.put_back_record()
            continue
        if all(map(is_blank, record)):
            continue
        if fits := _fit(record, width, width if table.min_cells is None else table.min_cells):
            yield line, fits
        else:
            table.add_malformed_row(describe_width_error(line, lines.record, len(record), width), record)


def _fit(record: list[str], width: int, min_cells: int) -> list[str] | None:
    """Return the record with as many cells as the header; None if that takes more than empty cells at its end."""
    if len(record) < min_cells or not all(map(is_blank, record[width:])):
        return None
    return record[:width] + [""] * (width - len(record))


def _frame(records: list[tuple[int, list[str]]], names: list[str]) -> pl.DataFrame:
    rows = [[line, *record] for line, record in records]
    return pl.DataFrame(rows, schema={LINE: pl.Int64, **dict.fromkeys(names, pl.String)}, orient="row")
