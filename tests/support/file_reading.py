"""Read files as imports do, and write small workbooks."""

from pathlib import Path

import pytest
from openpyxl import Workbook

from healthtrack.imports.reading import open_table
from healthtrack.imports.row_errors import FileError

Records = list[tuple[object, ...]]


def read(path: Path) -> tuple[list[str], Records, list[str]]:
    """Return the headers, the rows, each after its line, and the errors in the order of the file."""
    with open_table(path) as table:
        rows = [row for batch in table.batches for row in batch.rows()]
        errors = [row.error for row in table.take_malformed_rows()]
    return table.headers, rows, [str(error) for error in errors]


def read_or_get_error(path: Path) -> object:
    """Return what `read` returns, or the message of the error of the file."""
    try:
        return read(path)
    except FileError as error:
        return str(error)


def get_file_error(path: Path) -> str:
    """Return the message of the error that reading the file raises."""
    with pytest.raises(FileError) as raised:
        read(path)
    return str(raised.value)


def rows_of(path: Path) -> Records:
    """Return the rows, each after its line."""
    return read(path)[1]


def write_cells(path: Path, cells: dict[str, str]) -> None:
    """Write a workbook with these cells, by their places, such as A1."""
    book = Workbook()
    sheet = book.worksheets[0]
    for place, value in cells.items():
        sheet[place] = value
    book.save(path)
