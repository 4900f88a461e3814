"""Read CSV and TSV files.

Nearly all lines of a file hold one record each, and polars reads these many at a time. Where a line does not, the
standard library's reader takes over for that part of the file, because it knows on which line a record begins.
"""

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TextIO

import polars as pl

from healthtrack.imports.limits import check_rows
from healthtrack.imports.reading.table import BATCH_ROWS, LINE, Table
from healthtrack.imports.row_errors import MAX_SHOWN_CHARACTERS, FileError, RowError

DELIMITERS = ",\t;"
MAX_CELL_CHARACTERS = csv.field_size_limit()
MAX_LINE_CHARACTERS = 12 * 2**20
MAX_COLUMNS = 1024
# Of a batch, so that few long rows need no more memory than many short ones.
MAX_BATCH_CHARACTERS = 2**22
_BLOCK_BYTES = 1024**2
_QUOTED = "\x02"
_CELL = '(?:^|{0})("(?:[^"]|"")*"|[^{0}]*)'


class _Lines:
    """An iterator over a file's lines, some of which can be put back to be read again."""

    def __init__(self, file: TextIO) -> None:
        self._file = _split_lines(file)
        self._returned: list[str] = []
        self.record: list[str] = []
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._returned.pop() if self._returned else next(self._file)
        self.number += 1
        self.record.append(line)
        return line

    def read_batch(self) -> list[str]:
        """Return the next lines of the file. Only to be called while no line is put back."""
        lines: list[str] = []
        characters = 0
        for line in self._file:
            lines.append(line)
            characters += len(line)
            if len(lines) >= BATCH_ROWS or characters >= MAX_BATCH_CHARACTERS:
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
def open_text(path: Path) -> Iterator[Table]:
    """Open a CSV or TSV file as a table. The delimiter is the one that the header holds most often."""
    expected = max(count_lines(path) - 1, 0)
    check_rows(expected)
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        lines = _Lines(file)
        first = _find_header(lines)
        delimiter = max(DELIMITERS, key=first.count)
        table = Table(_read_header(first, lines.number, delimiter), lines.number, expected, iter(()))
        table.batches = _read_batches(table, lines, delimiter)
        yield table


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
        yield line


def _find_header(lines: _Lines) -> str:
    """Return the first line that is not blank, or an empty text."""
    for line in lines:
        lines.begin_record()
        if line.strip():
            return line
    return ""


def _read_header(first: str, line: int, delimiter: str) -> list[str]:
    if first.count(delimiter) >= MAX_COLUMNS:
        reason = f"The header has more than {MAX_COLUMNS:,} columns. Delete those that are not needed."
        raise FileError(RowError(reason, line))
    try:
        return next(csv.reader([first], delimiter=delimiter), [])
    except csv.Error as error:
        reason = (
            f"A column name is longer than {MAX_CELL_CHARACTERS:,} characters. Begin the file with the header line."
        )
        raise FileError(RowError(reason, line)) from error


def _read_batches(table: Table, lines: _Lines, delimiter: str) -> Iterator[pl.DataFrame]:
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
    lines = lines.with_columns(text).filter(text.str.strip_chars() != "")
    bare = lines["text"]
    if bare.str.contains('"', literal=True).any():
        # Quoted cells become a mark. What quotes are left then, and what follows a mark, only csv can read.
        bare = bare.str.replace_all(f'(^|{delimiter})"([^"]|"")*"', f"${{1}}{_QUOTED}")
        if bare.str.contains(f'"|{_QUOTED}[^{delimiter}]').any():
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
    return records.insert_column(0, lines[LINE].cast(pl.Int64))


def _parse_records(table: Table, lines: _Lines, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Return the records that begin on lines that were put back, each with the line on which it begins."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    width = len(table.headers)
    while lines.any_put_back:
        line = lines.begin_record()
        try:
            record = next(reader)
        except csv.Error as error:
            cells = _split_first_line(lines.record, delimiter)
            table.add_malformed_row(_syntax_error(error, line, lines.record, table.headers, delimiter), cells)
            lines.put_back_record()
            continue
        if len(record) == width:
            yield line, record
        elif any(map(str.strip, record)):
            table.add_malformed_row(_width_error(line, lines.record, len(record), width), record)


def _frame(records: list[tuple[int, list[str]]], names: list[str]) -> pl.DataFrame:
    rows = [[line, *record] for line, record in records]
    return pl.DataFrame(rows, schema={LINE: pl.Int64, **dict.fromkeys(names, pl.String)}, orient="row")


def _syntax_error(error: csv.Error, line: int, record: list[str], headers: list[str], delimiter: str) -> RowError:
    if "field larger" in str(error) and len(record) == 1:
        cells = _split_by_pattern(record, delimiter)
        place, cell = max(enumerate(cells), key=lambda numbered: len(numbered[1]))
        column = headers[place] if place < len(headers) else ""
        reason = f"Longer than {MAX_CELL_CHARACTERS:,} characters. Shorten it."
        return RowError(reason, line, column, cell[: MAX_SHOWN_CHARACTERS + 1])
    row = _beginning(record)
    if "expected after" in str(error) and len(record) == 1:
        return RowError("A quote ends inside a cell. Double each quote that belongs to the text.", line, "", row)
    return RowError("A quote is opened but not closed. Close it or remove it.", line, "", row)


def _width_error(line: int, record: list[str], cells: int, width: int) -> RowError:
    reason = (
        f"Has {cells} cell{'s' * (cells != 1)}, but the header has {width}. "
        "Put quotes around text that contains the separator, and add missing cells."
    )
    kind = f"Has {'more' if cells > width else 'fewer'} cells than the header."
    return RowError(reason, line, "", _beginning(record), kind)


def _split_first_line(record: list[str], delimiter: str) -> list[str]:
    try:
        return next(csv.reader([record[0].rstrip("\r\n")], delimiter=delimiter), [])
    except csv.Error:
        return _split_by_pattern(record, delimiter)


def _split_by_pattern(record: list[str], delimiter: str) -> list[str]:
    """Return the cells of a record's first line, which is too long for the csv module."""
    cells: list[str] = re.findall(_CELL.format(delimiter), record[0].rstrip("\r\n"))
    return [cell[1:-1].replace('""', '"') if cell.startswith('"') else cell for cell in cells]


def _beginning(record: list[str]) -> str:
    """Return as much of a record's first line as an error shows."""
    return record[0].rstrip("\r\n")[: MAX_SHOWN_CHARACTERS + 1]
