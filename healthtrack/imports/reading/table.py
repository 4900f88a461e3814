from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

from healthtrack.imports.faults import Fault

LINE = "line"
BATCH_ROWS = 50_000


@dataclass
class Table:
    """A file's header, and its rows in batches to be read once.

    A batch has the column `line`, the row's place in the file, and a text column for each header, named by its
    position: "0", "1" and so on. Rows that cannot be laid out under the header are left out of the batches; `faults`
    says which, and `rows_left_out` counts them, both complete once the batches are read.
    """

    headers: list[str]
    header_line: int
    batches: Iterator[pl.DataFrame]
    faults: list[Fault] = field(default_factory=list)
    rows_left_out: int = 0

    def leave_out(self, fault: Fault) -> None:
        self.faults.append(fault)
        self.rows_left_out += 1
