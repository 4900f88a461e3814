"""The invalid rows of a run as a CSV file, to be corrected and uploaded again."""

import csv
import io
from collections.abc import Iterator
from itertools import islice

from healthtrack.core.formula_escaping import BYTE_ORDER_MARK, escape_formula
from healthtrack.imports import preview_queries
from healthtrack.imports.models import ImportRun

ERRORS_HEADER = "Errors"
_ROWS_PER_CHUNK = 1000


def generate_error_report(run: ImportRun) -> Iterator[str]:
    """Return the file in chunks.

    The errors are the first column, because a row may be longer or shorter than the header.
    """
    yield BYTE_ORDER_MARK
    rows = _rows(run)
    while chunk := list(islice(rows, _ROWS_PER_CHUNK)):
        text = io.StringIO()
        csv.writer(text).writerows(chunk)
        yield text.getvalue()


def _rows(run: ImportRun) -> Iterator[list[str]]:
    # The header comes first. It is the only row without errors.
    for cells, reasons in preview_queries.iterate_invalid_rows(run):
        yield [escape_formula(cell) for cell in (" ".join(reasons) or ERRORS_HEADER, *cells)]
