from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

from healthtrack.imports.row_errors import Fault

LINE = "line"
BATCH_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that cannot be laid out under the header, and its cells as far as they can be told apart."""

    fault: Fault
    cells: list[str]


@dataclass
class Table:
    """A file's header, and its rows in batches to be read once.

    A batch has the column `line`, the row's place in the file, and a text column for each header, named by its
    position: "0", "1" and so on. Rows that cannot be laid out under the header are left out of the batches: `drain`
    hands over those found since it was last called. `rows_expected` may be off by what only reading tells.
    """

    headers: list[str]
    header_line: int
    rows_expected: int
    batches: Iterator[pl.DataFrame]
    _left_out: list[LeftOut] = field(default_factory=list)

    def leave_out(self, fault: Fault, cells: list[str]) -> None:
        self._left_out.append(LeftOut(fault, cells))

    def drain(self) -> list[LeftOut]:
        drained, self._left_out = self._left_out, []
        return drained
