"""CSV and TSV: the standard library's reader, which knows the line that a row begins in."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import polars as pl

from healthtrack.imports.faults import Fault
from healthtrack.imports.reading.table import BATCH_ROWS, LINE, Table

DELIMITERS = ",\t;"
LONGEST_CELL = csv.field_size_limit()


class _Lines:
    """The file's lines, which go back to the one after a record's first when the record turns out to be broken.

    So a quote that is left open costs its own line, and not all that follow.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._again: list[str] = []
        self._record: list[str] = []
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.pop() if self._again else next(self._file)
        self.number += 1
        self._record.append(line)
        return line

    def begin_record(self) -> int:
        self._record.clear()
        return self.number + 1

    def go_back(self) -> None:
        following = self._record[1:]
        self._again.extend(reversed(following))
        self.number -= len(following)


@contextmanager
def open_text(path: Path) -> Iterator[Table]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        lines = _Lines(file)
        first = next(lines)
        while not first.strip():
            first = next(lines)
        delimiter = max(DELIMITERS, key=first.count)
        header_line = lines.number
        headers = next(csv.reader([first], delimiter=delimiter))
        table = Table(headers, header_line, iter(()))
        table.batches = _batches(table, _records(table, lines, delimiter))
        yield table


def _records(table: Table, lines: _Lines, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    width = len(table.headers)
    while True:
        line = lines.begin_record()
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as fault:
            table.faults.append(Fault(_explained(fault, lines.number - line), line))
            table.rows_left_out += 1
            lines.go_back()
            continue
        if len(record) == width:
            yield line, record
        elif any(map(str.strip, record)):
            table.faults.append(_ragged(line, len(record), width))
            table.rows_left_out += 1


def _batches(table: Table, records: Iterator[tuple[int, list[str]]]) -> Iterator[pl.DataFrame]:
    names = [str(position) for position in range(len(table.headers))]
    lines: list[int] = []
    rows: list[list[str]] = []
    for line, record in records:
        lines.append(line)
        rows.append(record)
        if len(rows) == BATCH_ROWS:
            yield _frame(names, lines, rows)
            lines, rows = [], []
    if rows:
        yield _frame(names, lines, rows)


def _frame(names: list[str], lines: list[int], rows: list[list[str]]) -> pl.DataFrame:
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    return pl.DataFrame({LINE: lines, **columns}, schema={LINE: pl.Int64, **dict.fromkeys(names, pl.String)})


def _explained(fault: csv.Error, further_lines: int) -> str:
    if "field larger" in str(fault) and not further_lines:
        return f"A cell holds more than {LONGEST_CELL:,} letters; shorten it."
    if "expected after" in str(fault):
        return "A quote ends within a cell; write a quote that belongs to the text twice."
    return "A quote that opens in this line is not closed; close it, or take it away."


def _ragged(line: int, cells: int, width: int) -> Fault:
    more = "more" if cells > width else "fewer"
    return Fault(
        f"The row has {cells} cells, {more} than the {width} of the header; "
        "put quotes around a text that holds the separator, and fill in empty cells.",
        line,
    )
