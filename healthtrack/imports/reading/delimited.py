"""CSV and TSV.

Nearly all lines of a file hold a record each, and polars reads these many at a time. Where a line does not, the
standard library's reader takes over for that part of the file: it knows the line that a record begins in.
"""

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import TextIO

import polars as pl

from healthtrack.imports.limits import check_rows
from healthtrack.imports.reading.table import BATCH_ROWS, LINE, Table
from healthtrack.imports.row_errors import SHOWN_LETTERS, Fault, FileRefusedError

DELIMITERS = ",\t;"
LONGEST_CELL = csv.field_size_limit()
_BLOCK = 1024**2
_QUOTED = "\x02"
_CELL = '(?:^|{0})("(?:[^"]|"")*"|[^{0}]*)'


class _Lines:
    """The file's lines, of which some may be put back to be read again."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._again: list[str] = []
        self.record: list[str] = []
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.pop() if self._again else next(self._file)
        self.number += 1
        self.record.append(line)
        return line

    def take(self, most: int) -> list[str]:
        """The next lines of the file, when none is put back."""
        taken = list(islice(self._file, most))
        self.number += len(taken)
        return taken

    def put_back(self, lines: list[str]) -> None:
        self._again.extend(reversed(lines))
        self.number -= len(lines)

    def begin_record(self) -> int:
        self.record.clear()
        return self.number + 1

    def put_back_record(self) -> None:
        """Puts back all but the record's first line: so a quote that is left open costs its own line only."""
        self.put_back(self.record[1:])

    @property
    def any_put_back(self) -> bool:
        return bool(self._again)


@contextmanager
def open_text(path: Path) -> Iterator[Table]:
    expected = max(lines_of(path) - 1, 0)
    check_rows(expected)
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        lines = _Lines(file)
        first = next(filter(str.strip, lines), "")
        delimiter = max(DELIMITERS, key=first.count)
        table = Table(_headers(first, lines.number, delimiter), lines.number, expected, iter(()))
        table.batches = _batches(table, lines, delimiter)
        yield table


def lines_of(path: Path) -> int:
    """How many lines end in the file; those that end in CR alone count where none ends otherwise."""
    ends = {b"\n": 0, b"\r": 0}
    last = b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            for end in ends:
                ends[end] += block.count(end)
            last = block[-1:]
    return (ends[b"\n"] or ends[b"\r"]) + (last not in ends)


def _headers(first: str, line: int, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([first], delimiter=delimiter), [])
    except csv.Error as fault:
        reason = f"A name in the header has more than {LONGEST_CELL:,} letters; begin the file with the header line."
        raise FileRefusedError(Fault(reason, line)) from fault


def _batches(table: Table, lines: _Lines, delimiter: str) -> Iterator[pl.DataFrame]:
    names = [str(position) for position in range(len(table.headers))]
    while taken := lines.take(BATCH_ROWS):
        batch = _record_a_line(taken, lines.number - len(taken) + 1, names, delimiter)
        if batch is None:
            lines.put_back(taken)
            batch = _record_by_record(list(_records(table, lines, delimiter)), names)
        yield batch


def _record_a_line(taken: list[str], first: int, names: list[str], delimiter: str) -> pl.DataFrame | None:
    """The records of lines that hold one each, under the header; None when that is not so of every line."""
    lines = pl.DataFrame({"text": taken}, schema={"text": pl.String}).with_row_index(LINE, first)
    text = pl.col("text").str.strip_chars_end("\r\n")
    lines = lines.with_columns(text).filter(text.str.strip_chars() != "")
    bare = lines["text"]
    if bare.str.contains('"', literal=True).any():
        bare = bare.str.replace_all(f'(^|{delimiter})"([^"]|"")*"', f"${{1}}{_QUOTED}")
        if bare.str.contains(f'"|{_QUOTED}[^{delimiter}]').any():
            return None
    if (bare.str.count_matches(delimiter, literal=True) != len(names) - 1).any():
        return None
    if (lines["text"].str.len_chars() > LONGEST_CELL).any():
        return None
    if bare.is_empty():
        return _record_by_record([], names)
    # polars takes a mark off the beginning: this one, and not one that belongs to the first cell.
    records = pl.read_csv(
        BytesIO(("\ufeff" + "\n".join(lines["text"])).encode()),
        has_header=False,
        separator=delimiter,
        schema=dict.fromkeys(names, pl.String),
        empty_string_is_null=False,
    )
    return records.insert_column(0, lines[LINE].cast(pl.Int64))


def _records(table: Table, lines: _Lines, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The records of the lines that are put back, and of those that the last of these runs on into."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    width = len(table.headers)
    while lines.any_put_back:
        line = lines.begin_record()
        try:
            record = next(reader)
        except csv.Error as fault:
            cells = _cells_of_first_line(lines.record, delimiter)
            table.leave_out(_broken(fault, line, lines.record, table.headers, delimiter), cells)
            lines.put_back_record()
            continue
        if len(record) == width:
            yield line, record
        elif any(map(str.strip, record)):
            table.leave_out(_ragged(line, lines.record, len(record), width), record)


def _record_by_record(records: list[tuple[int, list[str]]], names: list[str]) -> pl.DataFrame:
    rows = [[line, *record] for line, record in records]
    return pl.DataFrame(rows, schema={LINE: pl.Int64, **dict.fromkeys(names, pl.String)}, orient="row")


def _broken(fault: csv.Error, line: int, record: list[str], headers: list[str], delimiter: str) -> Fault:
    if "field larger" in str(fault) and len(record) == 1:
        cells = _cells_of_long_line(record, delimiter)
        place, cell = max(enumerate(cells), key=lambda numbered: len(numbered[1]))
        column = headers[place] if place < len(headers) else ""
        return Fault(f"holds more than {LONGEST_CELL:,} letters; shorten it", line, column, cell[: SHOWN_LETTERS + 1])
    row = _as_it_stands(record)
    if "expected after" in str(fault) and len(record) == 1:
        return Fault("has a quote that ends within a cell; write a quote that belongs to the text twice", line, "", row)
    return Fault("has a quote that opens and is not closed; close it, or take it away", line, "", row)


def _ragged(line: int, record: list[str], cells: int, width: int) -> Fault:
    more = "more" if cells > width else "fewer"
    reason = (
        f"has {cells} cells, {more} than the {width} of the header; "
        "put quotes around a text that holds the separator, and fill in empty cells"
    )
    return Fault(reason, line, "", _as_it_stands(record), f"has {more} cells than the header")


def _cells_of_first_line(record: list[str], delimiter: str) -> list[str]:
    try:
        return next(csv.reader([record[0].rstrip("\r\n")], delimiter=delimiter), [])
    except csv.Error:
        return _cells_of_long_line(record, delimiter)


def _cells_of_long_line(record: list[str], delimiter: str) -> list[str]:
    cells: list[str] = re.findall(_CELL.format(delimiter), record[0].rstrip("\r\n"))
    return [cell[1:-1].replace('""', '"') if cell.startswith('"') else cell for cell in cells]


def _as_it_stands(record: list[str]) -> str:
    return record[0].rstrip("\r\n")[: SHOWN_LETTERS + 1]
