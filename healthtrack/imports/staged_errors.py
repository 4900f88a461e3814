"""The faults of a run, and its faulty rows as they stood, in the run's staging area."""

import csv
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO

import polars as pl
from django.db.backends.utils import CursorWrapper

from healthtrack.imports.reading import open_table
from healthtrack.imports.reading.table import LINE, Table
from healthtrack.imports.results import FaultGroup
from healthtrack.imports.row_errors import Fault

FAULTS = "faults"
FAULTY_ROWS = "faulty_rows"
MOST_GROUPS = 100
_IN_MEMORY = 16 * 2**20
_CHUNK = 2**20


class FaultSpool:
    """Keeps faults, however many, while the connection is busy with the rows."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._writer = csv.writer(file)

    def add(self, faults: Iterable[Fault]) -> None:
        for fault in faults:
            texts = (fault.column, fault.kind, fault.reason, fault.shown_value)
            self._writer.writerow((fault.line, *map(_storable, texts)))

    def store(self, cursor: CursorWrapper) -> None:
        self._file.seek(0)
        with cursor.copy(f"COPY {FAULTS} (line, header, kind, reason, value) FROM STDIN (FORMAT csv)") as copy:
            while text := self._file.read(_CHUNK):
                copy.write(text)


@contextmanager
def fault_spool() -> Iterator[FaultSpool]:
    with SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8", newline="") as file:
        yield FaultSpool(file)


def _storable(text: str) -> str:
    """PostgreSQL keeps no NUL."""
    return text.replace("\0", "\ufffd")


def make_tables(cursor: CursorWrapper) -> None:
    cursor.execute(f"""
        CREATE TABLE {FAULTS} (place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            line bigint, header text, kind text NOT NULL, reason text NOT NULL, value text);
        CREATE TABLE {FAULTY_ROWS} (line bigint NOT NULL, cells text[] NOT NULL)
    """)


def arrange(cursor: CursorWrapper) -> None:
    """Makes pages of the faults quick, of all and of one column and kind."""
    cursor.execute(f"CREATE INDEX ON {FAULTS} (line, place); CREATE INDEX ON {FAULTS} (header, kind, line, place)")


def count(cursor: CursorWrapper) -> tuple[int, int]:
    """The faults, and the rows that hold them."""
    cursor.execute(f"SELECT count(*), count(DISTINCT line) FROM {FAULTS}")  # noqa: S608 (a constant of this module)
    faults, rows = cursor.fetchone()
    return faults, rows


def groups(cursor: CursorWrapper) -> list[FaultGroup]:
    """The faults by column and kind, the most frequent first; of very many kinds the first hundred."""
    cursor.execute(
        f"""
        SELECT coalesce(header, ''), kind, count(*), count(DISTINCT line), min(line)
          FROM {FAULTS} GROUP BY 1, 2 ORDER BY 3 DESC, 5 LIMIT %s
        """,  # noqa: S608 (a constant of this module)
        [MOST_GROUPS],
    )
    return [FaultGroup(*group) for group in cursor.fetchall()]


def keep_rows(cursor: CursorWrapper, path: Path) -> None:
    """Reads the file again for the rows that were found faulty; its header goes before them."""
    cursor.execute(f"SELECT DISTINCT line FROM {FAULTS} WHERE line IS NOT NULL")  # noqa: S608 (a constant of this module)
    lines = pl.Series([line for (line,) in cursor.fetchall()], dtype=pl.Int64).implode()
    with open_table(path) as table, cursor.copy(f"COPY {FAULTY_ROWS} (line, cells) FROM STDIN") as copy:
        copy.write_row((table.header_line, list(map(_storable, table.headers))))
        for row in _rows(table, lines):
            copy.write_row(row)


def _rows(table: Table, lines: pl.Series) -> Iterator[tuple[int, Collection[str]]]:
    for batch in table.batches:
        faulty = batch.filter(pl.col(LINE).is_in(lines))
        whole = ((line, [cell or "" for cell in cells]) for line, *cells in faulty.iter_rows())
        left_out = ((row.fault.line or 0, row.cells) for row in table.drain())
        for line, cells in chain(whole, left_out):
            yield line, list(map(_storable, cells))
