"""A file as a table of texts, as every reader returns it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

from healthtrack.imports.row_errors import RowError

LINE = "line"
BATCH_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class MalformedRow:
    """A row that does not fit the header, and its cells as far as they can be separated."""

    error: RowError
    cells: list[str]


@dataclass
class Table:
    """The header of a file, and its rows in batches that can be read once.

    A batch has the column `line`, the row's line in the file, and a text column for each header, named by its
    position: "0", "1" and so on. Rows that do not fit the header are not in the batches: `take_malformed_rows` returns
    them. `rows_expected` is an estimate; only reading the whole file gives the exact number.
    """

    headers: list[str]
    header_line: int
    rows_expected: int
    batches: Iterator[pl.DataFrame]
    _malformed_rows: list[MalformedRow] = field(default_factory=list)

    def add_malformed_row(self, error: RowError, cells: list[str]) -> None:
        """Note a row that does not fit the header."""
        self._malformed_rows.append(MalformedRow(error, cells))

    def take_malformed_rows(self) -> list[MalformedRow]:
        """Return the malformed rows found since the last call, and forget them."""
        rows, self._malformed_rows = self._malformed_rows, []
        return rows
