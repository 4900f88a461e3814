"""The invalid rows of a run as a CSV file, to be corrected and uploaded again."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from itertools import islice

from healthtrack.core.downloads.formula_escaping import BYTE_ORDER_MARK, escape_formula
from healthtrack.imports.models import ImportRun
from healthtrack.imports.tabular import preview_queries

_ERRORS_HEADER = "Errors in import {}"  # so that a corrected file is read as the import was
_CORRECTION = re.compile(r"Errors in import (\d{1,18})")
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


def get_corrected_run(headers: Sequence[str]) -> int | None:
    """Return the number of the import whose invalid rows a file with this header corrects, or None."""
    match = _CORRECTION.fullmatch(headers[0].strip()) if headers else None
    return int(match[1]) if match else None


def _rows(run: ImportRun) -> Iterator[list[str]]:
    # The header comes first. It is the only row without errors.
    for cells, reasons in preview_queries.iterate_invalid_rows(run):
        yield [escape_formula(cell) for cell in (" ".join(reasons) or _ERRORS_HEADER.format(run.run_id), *cells)]
