"""A file as a table of texts, as every reader returns it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import polars as pl

from healthtrack.core.downloads.formula_escaping import BYTE_ORDER_MARK
from healthtrack.imports.reasons import Notice
from healthtrack.imports.row_errors import RowError

LINE = "line"
BATCH_ROWS = 50_000
SAMPLE_SHARE = 4  # a batch of few rows may be a quarter as large as others


class MergedCells(StrEnum):
    """What cells hold that a workbook merges with a cell above them, or to the left of them."""

    REPEAT = "repeat"
    EMPTY = "empty"


class HiddenRows(StrEnum):
    """Whether rows are read that a workbook hides, such as by a filter."""

    IMPORT = "import"
    LEAVE_OUT = "leave_out"


@dataclass(frozen=True)
class FileStructure:
    """How the bytes of a file become a table. What is empty is found out, without regard to what the columns mean.

    Without `merged_cells`, `merged_columns` and `hidden_rows`, the sheet has none: merged cells are then empty, and
    hidden rows are read.
    """

    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    header_line: int = 0
    merged_cells: MergedCells | None = None
    merged_columns: MergedCells | None = None
    hidden_rows: HiddenRows | None = None


UNKNOWN_STRUCTURE = FileStructure()


@dataclass(frozen=True, slots=True)
class MalformedRow:
    """A row that does not fit the header, and its cells as far as they can be separated."""

    error: RowError
    cells: list[str]


@dataclass(frozen=True)
class TableFacts:
    """What is known about a table that is made of other files.

    `absent` are the fields that the files say nothing about: stored rows keep their values. `lists` are comma-separated
    fields whose order means nothing. `marks` are words about rows, by line, for the conditions of warnings. `errors`
    belong to a line or to the upload. `describe_line` returns where a row comes from.
    """

    describe_line: Callable[[int], str]
    absent: Sequence[str] = ()
    lists: Sequence[str] = ()
    marks: Mapping[int, Sequence[str]] = field(default_factory=dict)
    errors: Sequence[RowError] = ()
    notices: Sequence[Notice] = ()


@dataclass
class Table:
    """The header of a file, and its rows in batches that can be read once.

    A batch has the column `line`, the row's line in the file, and a text column for each header, named by its
    position: "0", "1" and so on. Rows that do not fit the header are not in the batches: `take_malformed_rows` returns
    them. `rows_expected` is an estimate; only reading the whole file gives the exact number.

    Before reading the batches, set what the columns mean. `text_columns` are the positions of texts, which come from a
    workbook as the sheet displays them: with the padding zeros and fixed texts of number formats. Rows of a text file
    may leave off empty cells after the first `min_cells`. `first_column` is where the table begins in a sheet, from 0.

    A table may be made of files that are none. Then it may lack what files have, and say more: see `TableFacts`.
    """

    headers: list[str]
    header_line: int
    rows_expected: int
    batches: Iterator[pl.DataFrame]
    text_columns: frozenset[int] = frozenset()
    min_cells: int | None = None
    facts: "TableFacts | None" = None
    first_column: int = 0
    _malformed_rows: list[MalformedRow] = field(default_factory=list)

    def add_malformed_row(self, error: RowError, cells: list[str]) -> None:
        """Note a row that does not fit the header."""
        self._malformed_rows.append(MalformedRow(error, cells))

    def take_malformed_rows(self) -> list[MalformedRow]:
        """Return the malformed rows found since the last call, and forget them."""
        rows, self._malformed_rows = self._malformed_rows, []
        return rows

    def forget_rows(self) -> None:
        """Free the memory of the rows, which refer to the table and would stay until garbage is collected."""
        self.batches = iter(())
        self._malformed_rows = []


def drop_repeated_headers(batches: Iterable[pl.DataFrame], headers: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Yield the batches without rows that repeat the header, as joined files and printed pages do."""
    names = {str(place): header.strip() for place, header in enumerate(headers)}
    first = next((place for place, header in names.items() if header), None)
    for batch in batches:
        if first is None or not batch[first].str.contains(names[first], literal=True).any():
            yield batch
            continue
        cells = {place: pl.col(place).fill_null("").str.strip_chars(f"{BYTE_ORDER_MARK} \t\r\n") for place in names}
        yield batch.filter(~pl.all_horizontal(cells[place] == header for place, header in names.items()))
