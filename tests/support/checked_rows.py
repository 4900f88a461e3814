"""Read a file of readings, and check its rows, as an import does."""

from contextlib import suppress
from pathlib import Path

import polars as pl

from healthtrack.imports.importer import StoredFile
from healthtrack.imports.opening import open_files
from healthtrack.imports.row_errors import FileError
from readings.formats.batch import Batch
from readings.formats.registry import divide
from readings.importing.checking import Answers, RowChecker
from readings.importing.lookups import get_units_of_metrics
from readings.store.columns import READINGS, shorten_decimals


def check_rows(path: Path) -> None:
    """Check the rows of a file of any format; those that name nobody are of the patient P1."""
    checker = RowChecker(get_units_of_metrics(), set(), Answers("P1", "Europe/Berlin", {"glucose": "mg/dL"}))
    with suppress(FileError), open_files([StoredFile(path.name, path.stat().st_size, path)]) as parts:
        for reader, source in divide(parts):
            for batch in reader.read(source) if reader else ():
                _check_batch(checker, batch)


def _check_batch(checker: RowChecker, batch: Batch) -> None:
    assert all(isinstance(count, int) for count in batch.left_out.values())
    if batch.episodes is not None:
        value = {"unit": pl.lit("min"), "value": pl.lit("0")}
        checker.check(batch.episodes.rename({"kind": "metric"}).with_columns(**value))
    if not batch.rows.is_empty():
        rows = checker.check(batch.rows).rows.with_columns(stream=pl.lit(1, pl.Int32))
        shorten_decimals(rows.select(*READINGS))
