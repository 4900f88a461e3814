"""Read CSV and TSV files.

Nearly all lines of a file hold one record each, and polars reads these many at a time. Where a line does not, the
standard library's reader takes over for that part of the file, because it knows on which line a record begins.
"""

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import polars as pl

from healthtrack.imports.limits import check_rows
from healthtrack.imports.reading.lines import BLANK, Lines, are_blank, count_lines, open_lines
from healthtrack.imports.reading.malformed import (
    MAX_CELL_CHARACTERS,
    describe_syntax_error,
    describe_width_error,
    split_first_line,
)
from healthtrack.imports.reading.table import LINE, FileStructure, Table, drop_repeated_headers
from healthtrack.imports.row_errors import FileError, RowError

DELIMITERS = ",\t;|"
RARE_DELIMITERS = "^~:"  # only where they separate names of columns
MAX_HEADER_LINES = 20  # of one header with line breaks in quotes
MAX_COLUMNS = 1024
_LINE_END = "\n"
_QUOTED = "\x02"


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
        table.batches = drop_repeated_headers(_read_batches(table, lines, header.delimiter), header.cells)
        try:
            yield table
        finally:
            table.forget_rows()


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
        record = next(csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True), [])
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
            skips_spaces = any(f'{delimiter} "' in line for line in chunk)
            batch = _frame(list(_parse_records(table, lines, delimiter, skips_spaces=skips_spaces)), names)
        yield batch
        if lines.batch_rows:
            lines.batch_rows = 1  # who reads a sample looks further only to see whether there are more rows


def _parse_single_lines(chunk: list[str], first: int, names: list[str], delimiter: str) -> pl.DataFrame | None:
    """Return the records of lines that hold one each and fit the header, or None if any line does not."""
    if max(map(len, chunk)) > MAX_CELL_CHARACTERS:
        return None
    lines = pl.DataFrame({"text": chunk}, schema={"text": pl.String}).with_row_index(LINE, first)
    text = pl.col("text").str.strip_chars_end("\r\n")
    lines = lines.with_columns(text).filter(~text.str.contains(BLANK))
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
        BytesIO(f"\ufeff{lines['text'].str.join(_LINE_END).item()}".encode()),
        has_header=False,
        separator=delimiter,
        schema=dict.fromkeys(names, pl.String),
        empty_string_is_null=False,
    )
    return _drop_blank_rows(records.insert_column(0, lines[LINE].cast(pl.Int64)), names)


def _drop_blank_rows(records: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Return the records that have any content. The first cell of nearly all of them has."""
    if not records[names[0]].str.contains(BLANK).any():
        return records
    return records.filter(~pl.all_horizontal(pl.col(name).str.contains(BLANK) for name in names))


def _parse_records(
    table: Table, lines: Lines, delimiter: str, *, skips_spaces: bool
) -> Iterator[tuple[int, list[str]]]:
    """Return the records that begin on lines that were put back, each with the line on which it begins.

    Some programs put a space before each quoted cell, which does not belong to it.
    """
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=skips_spaces)
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
        if are_blank(record):
            continue
        if fits := _fit(record, width, width if table.min_cells is None else table.min_cells):
            yield line, fits
        else:
            table.add_malformed_row(describe_width_error(line, lines.record, len(record), width), record)


def _fit(record: list[str], width: int, min_cells: int) -> list[str] | None:
    """Return the record with as many cells as the header; None if that takes more than empty cells at its end."""
    if len(record) < min_cells or not are_blank(record[width:]):
        return None
    return record[:width] + [""] * (width - len(record))


def _frame(records: list[tuple[int, list[str]]], names: list[str]) -> pl.DataFrame:
    rows = [[line, *record] for line, record in records]
    return pl.DataFrame(rows, schema={LINE: pl.Int64, **dict.fromkeys(names, pl.String)}, orient="row")
