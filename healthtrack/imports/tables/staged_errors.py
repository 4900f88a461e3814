"""Store the errors of a run, and its invalid rows as the file holds them, in the run's staging tables."""

import csv
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import chain
from tempfile import SpooledTemporaryFile
from typing import IO

import polars as pl
from django.db.backends.utils import CursorWrapper

from healthtrack.imports.reading.table import LINE, Table
from healthtrack.imports.results import ErrorGroup
from healthtrack.imports.row_errors import RowError
from healthtrack.imports.staging_tables import StagingTables

MAX_GROUPS = 100
_COLUMNS = "line, header, kind, reason, value, source"
_MAX_BYTES_IN_MEMORY = 16 * 2**20
_CHUNK_CHARACTERS = 2**20


class ErrorSpool:
    """Collects errors, however many, while the connection is busy with the COPY of the rows."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._writer = csv.writer(file)
        # Where a line comes from, in an upload whose rows are not lines of one file.
        self.describe_line: Callable[[int], str] = lambda _: ""

    def add(self, errors: Iterable[RowError]) -> None:
        for error in errors:
            source = error.source or (self.describe_line(error.line) if error.line else "")
            texts = (error.column, error.kind, error.reason, error.shown_value, source)
            self._writer.writerow((error.line, *map(_without_nul, texts)))

    def store(self, cursor: CursorWrapper, tables: StagingTables) -> None:
        """Copy the errors into their table."""
        self._file.seek(0)
        with cursor.copy(f"COPY {tables.errors} ({_COLUMNS}) FROM STDIN (FORMAT csv)") as copy:
            while text := self._file.read(_CHUNK_CHARACTERS):
                copy.write(text)


@contextmanager
def open_error_spool() -> Iterator[ErrorSpool]:
    """Open an empty spool, in memory until it grows large."""
    with SpooledTemporaryFile(_MAX_BYTES_IN_MEMORY, "w+", encoding="utf-8", newline="") as file:
        yield ErrorSpool(file)


def _without_nul(text: str) -> str:
    """Return the text with each NUL replaced, because PostgreSQL stores none."""
    return text.replace("\0", "\ufffd")


def create_tables(cursor: CursorWrapper, tables: StagingTables) -> None:
    """Create the tables of errors and invalid rows."""
    cursor.execute(f"""
        CREATE TABLE {tables.errors} (place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            line bigint, header text, kind text NOT NULL, reason text NOT NULL, value text, source text);
        CREATE TABLE {tables.invalid_rows} (line bigint NOT NULL, cells text[] NOT NULL)
    """)


def create_indexes(cursor: CursorWrapper, tables: StagingTables) -> None:
    """Create the indexes that make pages of errors fast: of all errors, and of those of one column and kind."""
    cursor.execute(
        f"CREATE INDEX ON {tables.errors} (line, place); CREATE INDEX ON {tables.errors} (header, kind, line, place)"
    )


def count_errors(cursor: CursorWrapper, tables: StagingTables) -> tuple[int, int]:
    """Return the number of errors, and of the rows that have any."""
    cursor.execute(f"SELECT count(*), count(DISTINCT line) FROM {tables.errors}")  # noqa: S608 (our own names)
    errors, rows = cursor.fetchone()
    return errors, rows


def group_errors(cursor: CursorWrapper, tables: StagingTables) -> list[ErrorGroup]:
    """Return the errors by column and kind, the most frequent first, and at most a hundred groups."""
    cursor.execute(
        f"""
        SELECT coalesce(header, ''), kind, count(*), count(DISTINCT line), min(line)
          FROM {tables.errors} GROUP BY 1, 2 ORDER BY 3 DESC, 5 LIMIT %s
        """,  # noqa: S608 (our own names)
        [MAX_GROUPS],
    )
    return [ErrorGroup(*group) for group in cursor.fetchall()]


def store_invalid_rows(
    cursor: CursorWrapper,
    tables: StagingTables,
    open_again: Callable[[], AbstractContextManager[Table]],
    prepare: Callable[[Table], None],
) -> None:
    """Read the file again, and store its header and the rows that have an error, batch by batch.

    `prepare` tells the table what its columns mean.
    """
    with open_again() as table:
        prepare(table)
        _copy_rows(cursor, tables, [(table.header_line, table.headers)])
        for batch in table.batches:
            invalid = batch.filter(pl.col(LINE).is_in(_find_invalid_lines(cursor, tables, batch).implode()))
            well_formed = ((line, [cell or "" for cell in cells]) for line, *cells in invalid.iter_rows())
            malformed = ((row.error.line or 0, row.cells) for row in table.take_malformed_rows())
            _copy_rows(cursor, tables, chain(well_formed, malformed))


def _find_invalid_lines(cursor: CursorWrapper, tables: StagingTables, batch: pl.DataFrame) -> pl.Series:
    """Return which lines of a batch have an error. Those of the whole file may be too many for the memory."""
    cursor.execute(
        f"SELECT DISTINCT line FROM {tables.errors} WHERE line BETWEEN %s AND %s",  # noqa: S608 (our own names)
        batch.select(pl.min(LINE).alias("first"), pl.max(LINE).alias("last")).row(0),
    )
    return pl.Series([line for (line,) in cursor.fetchall()], dtype=pl.Int64)


def _copy_rows(cursor: CursorWrapper, tables: StagingTables, rows: Iterable[tuple[int, Collection[str]]]) -> None:
    with cursor.copy(f"COPY {tables.invalid_rows} (line, cells) FROM STDIN") as copy:
        for line, cells in rows:
            copy.write_row((line, list(map(_without_nul, cells))))
