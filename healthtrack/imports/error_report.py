"""The faulty rows of a run as a file: to be corrected and uploaded again."""

import csv
import io
from collections.abc import Iterator
from itertools import islice

from healthtrack.core.formula_escaping import BYTE_ORDER_MARK, escape_formula
from healthtrack.imports import preview_queries
from healthtrack.imports.models import ImportRun

WHY = "What is wrong"
_ROWS_A_CHUNK = 1000


def faulty_file(run: ImportRun) -> Iterator[str]:
    """CSV in pieces. What is wrong stands before the row, which may be longer or shorter than its header."""
    yield BYTE_ORDER_MARK
    rows = _rows(run)
    while chunk := list(islice(rows, _ROWS_A_CHUNK)):
        text = io.StringIO()
        csv.writer(text).writerows(chunk)
        yield text.getvalue()


def _rows(run: ImportRun) -> Iterator[list[str]]:
    for cells, reasons in preview_queries.faulty_rows(run):
        yield [escape_formula(cell) for cell in ("; ".join(reasons) or WHY, *cells)]
