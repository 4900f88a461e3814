"""Describe the records of a text file that do not fit the header, or that the csv module cannot read."""

import csv
import re

from healthtrack.imports.row_errors import MAX_SHOWN_CHARACTERS, RowError

MAX_CELL_CHARACTERS = csv.field_size_limit()
# Sixty times as fast for a cell of 10 MB as the shorter (?:[^"]|"")*, which takes one character at a time.
_QUOTED = '"[^"]*(?:""[^"]*)*"'
_CELL = f"(?:^|{{0}})({_QUOTED}(?={{0}}|$)|[^{{0}}]*)"
_QUOTED_CELL = re.compile(_QUOTED)


def describe_syntax_error(
    error: csv.Error, line: int, record: list[str], cells: list[str], headers: list[str]
) -> RowError:
    """Return the error of a record that the csv module cannot read, and whose first line has these cells."""
    if "field larger" in str(error) and len(record) == 1:
        place, cell = max(enumerate(cells), key=lambda numbered: len(numbered[1]))
        column = headers[place] if place < len(headers) else ""
        reason = f"Longer than {MAX_CELL_CHARACTERS:,} characters. Shorten it."
        return RowError(reason, line, column, cell[: MAX_SHOWN_CHARACTERS + 1])
    row = _beginning(record)
    if "expected after" in str(error) and len(record) == 1:
        return RowError("A quote ends inside a cell. Double each quote that belongs to the text.", line, "", row)
    return RowError("A quote is opened but not closed. Close it or remove it.", line, "", row)


def describe_width_error(line: int, record: list[str], cells: int, width: int) -> RowError:
    """Return the error of a record with more or fewer cells than the header."""
    reason = (
        f"Has {cells} cell{'s' * (cells != 1)}, but the header has {width}. "
        "Put quotes around text that contains the separator, and add missing cells."
    )
    kind = f"Has {'more' if cells > width else 'fewer'} cells than the header."
    return RowError(reason, line, "", _beginning(record), kind)


def split_first_line(record: list[str], delimiter: str) -> list[str]:
    """Return the cells of the first line of a malformed record. Cells with misplaced quotes are exactly as they are."""
    cells: list[str] = re.findall(_CELL.format(re.escape(delimiter)), record[0].rstrip("\r\n"))
    return [cell[1:-1].replace('""', '"') if _QUOTED_CELL.fullmatch(cell) else cell for cell in cells]


def _beginning(record: list[str]) -> str:
    """Return as much of a record's first line as an error shows."""
    return record[0].rstrip("\r\n")[: MAX_SHOWN_CHARACTERS + 1]
