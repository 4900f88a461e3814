"""JSON as django-import-export writes it: a list of objects, one a row."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from healthtrack.imports.faults import Fault, FileRefusedError
from healthtrack.imports.reading.table import BATCH_ROWS, LINE, Table


@contextmanager
def open_objects(path: Path) -> Iterator[Table]:
    """Opens the list as a table; the line of a row is its place in the list, from 1."""
    try:
        rows = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as fault:
        raise FileRefusedError(_unreadable()) from fault
    if not all(isinstance(row, dict) and all(_is_cell(cell) for cell in row.values()) for row in rows):
        raise FileRefusedError(_unreadable())
    headers = list(dict.fromkeys(header for row in rows for header in row))
    columns = {
        str(position): ["" if row.get(header) is None else str(row[header]) for row in rows]
        for position, header in enumerate(headers)
    }
    frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String)).with_row_index(LINE, 1)
    yield Table(headers, 1, frame.with_columns(pl.col(LINE).cast(pl.Int64)).iter_slices(BATCH_ROWS))


def _is_cell(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)


def _unreadable() -> Fault:
    return Fault("This is not the JSON of a table; export it anew, or save the table as CSV or XLSX.")
