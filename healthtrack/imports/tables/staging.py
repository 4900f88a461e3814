"""The staged rows of one run: compare them with the tables, and write them there.

PostgreSQL makes all comparisons. Only it knows which texts its constraints take for the same regardless of case.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from math import ceil
from typing import Any

import polars as pl
from django.db.backends.utils import CursorWrapper
from django.db.models import AutoField

from healthtrack.imports.columns.plan import Plan
from healthtrack.imports.reading.table import LINE
from healthtrack.imports.row_errors import RowError
from healthtrack.imports.row_warnings import WARNING, Choice, Decisions
from healthtrack.imports.staging_tables import StagingTables
from healthtrack.imports.tables.merging import combine_duplicate_rows
from healthtrack.imports.tables.related import MatchCounts, RelatedRows
from healthtrack.imports.tables.sql import (
    WITHIN_STEP,
    check_foreign_keys,
    column_definition,
    comma,
    compared_column,
    key_type,
    keys_match,
    primary_key,
    quoted,
    staged_column,
    table,
    target_matches,
)

_IMPORT_LOCK = 0x48544D50  # any number, the same for every import
ROWS_PER_STEP = 50_000
ROWS_WITHOUT_INDEX = 4 * ROWS_PER_STEP
_STATISTICS = 10  # the default is 100


@dataclass(frozen=True)
class Step:
    """A range of the file's lines, which is written at once."""

    first: int
    last: int

    @property
    def bounds(self) -> dict[str, int]:
        return {"first": self.first, "last": self.last}


ALL = Step(0, 2**62)


def acquire_import_lock(cursor: CursorWrapper) -> None:
    """Wait until no other import writes, so that rows are compared with what the import before has left."""
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_IMPORT_LOCK])


class StagedRows:
    """The staged rows of a run, in its staging tables."""

    def __init__(
        self, plan: Plan, cursor: CursorWrapper, tables: StagingTables, decisions: Decisions | None = None
    ) -> None:
        self.plan = plan
        self.cursor = cursor
        self.tables = tables
        self.decisions = decisions or Decisions()

    def create_table(self) -> None:
        self.cursor.execute(f"""
            CREATE TABLE {self.tables.rows} (
                {LINE} bigint, {comma(map(column_definition, self.plan.columns))},
                target {key_type(self.plan.model)}, parent bigint, outcome text NOT NULL DEFAULT 'new')
        """)
        self.add_missing_columns()
        # The planner needs to know little about these, and a tenth of the usual sample says it.
        analyzed = [LINE, "outcome", *(quoted(column.name) for column in self.plan.keys)]
        few = comma(f"ALTER COLUMN {name} SET STATISTICS {_STATISTICS}" for name in analyzed)
        self.cursor.execute(f"ALTER TABLE {self.tables.rows} {few}")

    def add_missing_columns(self) -> None:
        """Add the columns that tables of earlier versions lack.

        `seen` is the hash of the stored values that the preview shows beside those of a changed row. `is_stale` marks
        the rows that have changed since the preview. `warnings` are the kinds of a row with the outcome of warnings,
        and `accepted` says that somebody selected it. `marks` and `absent` are those of `TableFacts`.
        """
        self.cursor.execute(f"""
            ALTER TABLE {self.tables.rows}
              ADD COLUMN IF NOT EXISTS seen bigint, ADD COLUMN IF NOT EXISTS is_stale boolean NOT NULL DEFAULT false,
              ADD COLUMN IF NOT EXISTS accepted boolean NOT NULL DEFAULT false,
              ADD COLUMN IF NOT EXISTS warnings text[], ADD COLUMN IF NOT EXISTS marks text[],
              ADD COLUMN IF NOT EXISTS absent text[]
        """)

    @contextmanager
    def open_copy(self) -> Iterator[Callable[[pl.DataFrame], None]]:
        """Open a COPY. The function that it yields adds rows whose columns are the line and the plan's, in its order.

        PostgreSQL stores a batch while the next one is read and checked.
        """
        names = comma([LINE, *(quoted(column.name) for column in self.plan.columns)])
        with self.cursor.copy(f"COPY {self.tables.rows} ({names}) FROM STDIN (FORMAT csv)") as copy:

            def copy_rows(rows: pl.DataFrame) -> None:
                text = BytesIO()
                rows.write_csv(text, include_header=False)
                copy.write(text.getbuffer())

            yield copy_rows

    def combine_duplicates(self, report_errors: Callable[[Iterable[RowError]], None]) -> int:
        """Leave one row for each key, and return how many are combined from several.

        Report the errors of duplicates that contradict each other.
        """
        self.cursor.execute(f"ANALYZE {self.tables.rows} ({comma(quoted(column.name) for column in self.plan.keys)})")
        return combine_duplicate_rows(self.plan, self.cursor, self.tables, report_errors)

    def delete(self, lines: Sequence[int | None]) -> None:
        """Delete the rows of these lines, which have errors."""
        if not lines:
            return
        self.cursor.execute(f"DELETE FROM {self.tables.rows} WHERE {LINE} = ANY (%s)", [list(lines)])  # noqa: S608 (constants)

    def find_parents(self, *, marks_stale: bool = False) -> None:
        """Set the rows of the parent table that the staged rows refer to, as far as they exist."""
        if not self.plan.parent:
            return
        parent, same = self.plan.parent.model, keys_match(self.plan.parent_columns)
        self.cursor.execute(f"""
            UPDATE {self.tables.rows} AS rows SET parent = NULL, is_stale = true
             WHERE parent IS NOT NULL AND NOT EXISTS (SELECT FROM {table(parent)} AS parent WHERE {same})
        """)  # noqa: S608 (names from the plan)
        self.cursor.execute(f"""
            UPDATE {self.tables.rows} AS rows SET parent = parent.{primary_key(parent)}, is_stale = {marks_stale}
              FROM {table(parent)} AS parent
             WHERE rows.parent IS DISTINCT FROM parent.{primary_key(parent)} AND {same}
        """)  # noqa: S608 (names from the plan)

    def create_indexes(self) -> None:
        """Create the indexes that make pages of the rows, and steps through them, fast."""
        self.cursor.execute(f"CREATE INDEX ON {self.tables.rows} (outcome, {LINE})")
        self.cursor.execute(f"CREATE INDEX ON {self.tables.rows} ({LINE}) WHERE is_stale")

    def analyze_outcomes(self) -> None:
        """Let the planner know how many rows are new, changed and unchanged."""
        self.cursor.execute(f"ANALYZE {self.tables.rows} ({LINE}, outcome)")

    def count(self) -> int:
        self.cursor.execute(f"SELECT count(*) FROM {self.tables.rows}")  # noqa: S608 (a constant)
        return int(self.cursor.fetchone()[0])

    def count_stale(self) -> int:
        """Return the number of rows that have changed since the preview."""
        self.cursor.execute(f"SELECT count(*) FROM {self.tables.rows} WHERE is_stale")  # noqa: S608 (a constant)
        return int(self.cursor.fetchone()[0])

    def lock_changed(self) -> None:
        """Lock the stored rows that are to be changed, until the end of the transaction."""
        key = primary_key(self.plan.model)
        self.cursor.execute(f"""
            SELECT FROM {table(self.plan.model)} AS target JOIN {self.tables.rows} AS rows ON target.{key} = rows.target
             WHERE outcome IN ('changed', '{WARNING}') ORDER BY target.{key} FOR NO KEY UPDATE OF target
        """)

    def accept(self, choice: Choice) -> None:
        """Store which of the shown lines somebody selected, among the rows with warnings."""
        self.cursor.execute(
            f"""
            UPDATE {self.tables.rows} SET accepted = {LINE} = ANY (%s) WHERE {LINE} = ANY (%s) AND outcome = '{WARNING}'
            """,  # noqa: S608 (constants)
            [list(choice.selected), list(choice.shown)],
        )

    def release_accepted(self) -> None:
        """Give the rows whose warnings were accepted the outcome that they have without warnings."""
        self.cursor.execute(f"""
            UPDATE {self.tables.rows} AS rows SET outcome = CASE WHEN target IS NULL THEN 'new' ELSE 'changed' END
             WHERE outcome = '{WARNING}' AND NOT {self.decisions.is_held}
        """)  # noqa: S608 (kinds that resources declare)

    def insert_parents(self) -> list[int]:
        """Insert the rows referred to that do not exist yet. Return their primary keys."""
        if not self.plan.parent:
            return []
        parent, columns = self.plan.parent.model, self.plan.parent_columns
        keys = comma(map(compared_column, columns))
        self.cursor.execute(f"""
            INSERT INTO {table(parent)} ({comma(quoted(column.field.column) for column in columns)})
            SELECT {comma(map(staged_column, columns))}
              FROM (SELECT DISTINCT ON ({keys}) * FROM {self.tables.rows} AS rows
                     WHERE parent IS NULL AND {self.decisions.is_written} ORDER BY {keys}, {LINE}) AS rows
             ORDER BY {LINE}
            RETURNING {primary_key(parent)}
        """)  # noqa: S608 (names from the plan)
        inserted = [key for (key,) in self.cursor.fetchall()]
        self.find_parents()
        return inserted

    def steps(self, outcome: str) -> Iterator[Step]:
        """Return the file's lines in steps of about equal size, so that long changes can show their progress."""
        self.cursor.execute(
            f"SELECT min({LINE}), max({LINE}) FROM {self.tables.rows} WHERE outcome = %s",  # noqa: S608 (constants)
            [outcome],
        )
        first, last = self.cursor.fetchone()
        if first is not None:
            # Of equal size, because a last step of few lines would cost as many statements as a full one.
            lines = last - first + 1
            size = ceil(lines / max(round(lines / ROWS_PER_STEP), 1))
            yield from (Step(line, line + size - 1) for line in range(first, last + 1, size))

    def insert_related(self, related: RelatedRows, step: Step) -> None:
        """Insert the related rows of the step's new rows."""
        self.cursor.execute(related.insert(self.plan, self.tables.rows), {**step.bounds, **related.values})

    def insert_new(self, step: Step = ALL, related: RelatedRows | None = None) -> int:
        """Insert the new rows, with the number of their related rows if they have any. Return how many there are."""
        filled = {quoted(column.field.column): staged_column(column) for column in self.plan.own_columns}
        if self.plan.parent:
            filled[quoted(self.plan.parent.foreign_key)] = "rows.parent"
        if related:
            filled[quoted(related.count)] = "coalesce(related.rows, 0)"
        # Primary keys are assigned in the file's order. Rows with a key of their own are sorted by it, because an index
        # grows faster at its end than all over.
        key = LINE if isinstance(self.plan.model._meta.pk, AutoField) else self.plan.keys[0].name
        self.cursor.execute(
            f"""
            INSERT INTO {table(self.plan.model)} ({comma(filled)})
            SELECT {comma(filled.values())} FROM {self.tables.rows} AS rows {related.count_by_row() if related else ""}
             WHERE rows.outcome = 'new' AND {WITHIN_STEP} ORDER BY rows.{quoted(key)}
            """,  # noqa: S608 (names from the plan)
            step.bounds,
        )
        return int(self.cursor.rowcount)

    def query(self, query: str) -> list[tuple[Any, ...]]:
        """Return what a SELECT of an app finds about the rows: their line, outcome and columns, in the relation `rows`.

        Apps use this instead of the table, whose other columns belong to the engine. They cannot write with it.
        """
        columns = comma([LINE, "outcome", *(quoted(column.name) for column in self.plan.columns)])
        self.cursor.execute(
            f"WITH rows AS NOT MATERIALIZED (SELECT {columns} FROM {self.tables.rows}) {query}"  # noqa: S608 (names from the plan)
        )
        return list(self.cursor.fetchall())

    def count_matches(self, related: RelatedRows) -> MatchCounts:
        """Count the rows by what their column for related rows names."""
        self.cursor.execute(related.count_matches(self.tables.rows, self.decisions.is_written))
        return MatchCounts(*self.cursor.fetchone())

    def rematched_keys(self, related: RelatedRows) -> list[Any]:
        """Return the keys of the stored rows whose column for related rows now means something else."""
        self.cursor.execute(related.find_rematched(self.plan, self.tables.rows))
        return [key for (key,) in self.cursor.fetchall()]

    def analyze_target(self) -> None:
        """Update the planner's statistics with the rows written so far, and keep autovacuum away from the table.

        Autovacuum would see none of the uncommitted rows, and record that the table is empty, however large it is.
        Foreign keys were then looked up by the index of another column, which took a hundred times as long.
        """
        self.cursor.execute(f"ANALYZE {table(self.plan.model)} ({primary_key(self.plan.model)})")

    def check_foreign_keys(self) -> None:
        """Check the foreign keys of the rows written so far, instead of all of them at the commit."""
        check_foreign_keys(self.cursor)

    def inserted_keys(self) -> list[int]:
        """Return the primary keys of the rows that `insert_new` has inserted."""
        self.cursor.execute(f"""
            SELECT target.{primary_key(self.plan.model)}
              FROM {self.tables.rows} AS rows JOIN {table(self.plan.model)} AS target ON {target_matches(self.plan)}
             WHERE outcome = 'new'
        """)  # noqa: S608 (names from the plan)
        return [key for (key,) in self.cursor.fetchall()]

    def update_changed(self, step: Step = ALL) -> int:
        """Update the stored rows of the step's changed rows. Return how many there are."""
        assignments = comma(f"{quoted(column.field.column)} = {staged_column(column)}" for column in self.plan.values)
        self.cursor.execute(
            f"""
            UPDATE {table(self.plan.model)} AS target SET {assignments} FROM {self.tables.rows} AS rows
             WHERE outcome = 'changed' AND {WITHIN_STEP} AND target.{primary_key(self.plan.model)} = rows.target
            """,  # noqa: S608 (names from the plan)
            step.bounds,
        )
        return int(self.cursor.rowcount)
