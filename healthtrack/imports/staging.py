"""The staged rows of one import, and what they do to the tables.

What rows mean among each other and beside the tables is asked of PostgreSQL: it is the judge of which texts are the
same without regard to case, so that an import never disagrees with the constraints.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO

import polars as pl
from django.db.backends.utils import CursorWrapper
from django.db.models import AutoField, Model

from healthtrack.imports.faults import Fault
from healthtrack.imports.merging import merge_repeated_rows
from healthtrack.imports.plan import Column, Plan
from healthtrack.imports.reading.table import LINE
from healthtrack.imports.results import Cell, Sample, TableCounts
from healthtrack.imports.sql import (
    STAGED,
    comma,
    declared,
    folded,
    key_type,
    primary_key,
    quoted,
    same_as_stored,
    same_target,
    staged,
    stored,
    stored_rows,
    table,
)

_IMPORTS_LOCK = 0x48544D50  # any number, the same for every import


class StagedRows:
    """Temporary tables, which end with the transaction that they are made in."""

    def __init__(self, plan: Plan, cursor: CursorWrapper) -> None:
        self.plan = plan
        self.cursor = cursor
        # Left by an import before this one, when a transaction goes around both.
        cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{STAGED}")
        cursor.execute(
            f"CREATE TEMPORARY TABLE {STAGED} ({LINE} bigint, {comma(map(declared, plan.columns))}) ON COMMIT DROP"
        )

    def take_turn(self) -> None:
        """One import after the other: each compares its rows with what the one before has left."""
        self.cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_IMPORTS_LOCK])

    @contextmanager
    def filling(self) -> Iterator[Callable[[pl.DataFrame], None]]:
        """Takes rows whose columns are the line and the plan's, in its order.

        PostgreSQL stores a batch while the next one is read and checked.
        """
        names = comma([LINE, *(quoted(column.name) for column in self.plan.columns)])
        with self.cursor.copy(f"COPY {STAGED} ({names}) FROM STDIN (FORMAT csv)") as copy:

            def fill(rows: pl.DataFrame) -> None:
                text = BytesIO()
                rows.write_csv(text, include_header=False)
                copy.write(text.getbuffer())

            yield fill

    def merge_repeated(self) -> list[Fault]:
        self.cursor.execute(f"ANALYZE {STAGED} ({comma(quoted(column.name) for column in self.plan.keys)})")
        return merge_repeated_rows(self.plan, self.cursor)

    def compare(self) -> None:
        """Tells of each row whether it is new, changes a row of the table, or leaves it unchanged."""
        self.cursor.execute(f"""
            ALTER TABLE {STAGED} ADD COLUMN target {key_type(self.plan.model)},
                                 ADD COLUMN parent bigint,
                                 ADD COLUMN outcome text NOT NULL DEFAULT 'new'
        """)
        self._find_parents()
        new, old = comma(map(staged, self.plan.values)), comma(map(stored, self.plan.values))
        changed = f"ROW({new}) IS DISTINCT FROM ROW({old})"  # never true of a plan that is all key
        self.cursor.execute(f"""
            UPDATE {STAGED} AS rows
               SET target = target.{primary_key(self.plan.model)},
                   outcome = CASE WHEN {changed} THEN 'changed' ELSE 'unchanged' END
              FROM {table(self.plan.model)} AS target WHERE {same_target(self.plan)}
        """)

    def _find_parents(self) -> None:
        if not self.plan.parent:
            return
        parent = self.plan.parent.model
        self.cursor.execute(f"""
            UPDATE {STAGED} AS rows SET parent = parent.{primary_key(parent)}
              FROM {table(parent)} AS parent
             WHERE rows.parent IS NULL AND {same_as_stored(self.plan.parent_columns)}
        """)

    def counts(self) -> list[TableCounts]:
        """The rows by outcome: of the table that they refer to first, and then of their own."""
        self.cursor.execute(f"SELECT outcome, count(*) FROM {STAGED} GROUP BY outcome")
        own = _counts(self.plan.model, **dict(self.cursor.fetchall()))
        if not self.plan.parent:
            return [own]
        self.cursor.execute(f"""
            SELECT count(*) FILTER (WHERE parent IS NULL), count(*) FILTER (WHERE parent IS NOT NULL)
              FROM (SELECT DISTINCT parent, {comma(map(folded, self.plan.parent_columns))}
                      FROM {STAGED} AS rows) AS parents
        """)
        new, unchanged = self.cursor.fetchone()
        return [_counts(self.plan.parent.model, new=new, unchanged=unchanged), own]

    def samples(self, outcome: str, most: int) -> list[Sample]:
        """The first rows of an outcome, in the file's order, with the stored values beside the new."""
        self.cursor.execute(
            f"""
            SELECT rows.{LINE}, {comma(map(staged, self.plan.columns))}, {comma(map(stored, self.plan.columns))}
              FROM {STAGED} AS rows {stored_rows(self.plan)}
             WHERE outcome = %s ORDER BY rows.{LINE} LIMIT %s
            """,
            [outcome, most],
        )
        width = len(self.plan.columns)
        return [
            Sample(
                line,
                [self._cell(*cell) for cell in zip(self.plan.columns, values[:width], values[width:], strict=True)],
            )
            for line, *values in self.cursor.fetchall()
        ]

    def lock_changed(self) -> None:
        """From here to the end of the transaction nobody else changes the rows that are to be changed."""
        key = primary_key(self.plan.model)
        self.cursor.execute(f"""
            SELECT FROM {table(self.plan.model)} AS target JOIN {STAGED} AS rows ON target.{key} = rows.target
             WHERE outcome = 'changed' ORDER BY target.{key} FOR NO KEY UPDATE OF target
        """)

    def insert_parents(self) -> list[int]:
        """Inserts the rows referred to that are not there yet; answers with their primary keys."""
        if not self.plan.parent:
            return []
        parent, columns = self.plan.parent.model, self.plan.parent_columns
        keys = comma(map(folded, columns))
        self.cursor.execute(f"""
            INSERT INTO {table(parent)} ({comma(quoted(column.field.column) for column in columns)})
            SELECT {comma(map(staged, columns))}
              FROM (SELECT DISTINCT ON ({keys}) * FROM {STAGED} AS rows
                     WHERE parent IS NULL ORDER BY {keys}, {LINE}) AS rows
             ORDER BY {LINE}
            RETURNING {primary_key(parent)}
        """)
        inserted = [key for (key,) in self.cursor.fetchall()]
        self._find_parents()
        return inserted

    def insert_new(self, extra: Mapping[str, str] | None = None, joins: str = "") -> None:
        """Inserts the new rows; `extra` gives further columns with the expressions over `rows` that fill them."""
        filled = {quoted(column.field.column): staged(column) for column in self.plan.own_columns}
        if self.plan.parent:
            filled[quoted(self.plan.parent.foreign_key)] = "rows.parent"
        filled |= extra or {}
        # Numbers are given out in the file's order; rows that bring their own key need none, and sorting costs.
        order = f"ORDER BY rows.{LINE}" if isinstance(self.plan.model._meta.pk, AutoField) else ""
        self.cursor.execute(f"""
            INSERT INTO {table(self.plan.model)} ({comma(filled)})
            SELECT {comma(filled.values())} FROM {STAGED} AS rows {joins}
             WHERE rows.outcome = 'new' {order}
        """)

    def inserted_keys(self) -> list[int]:
        """The primary keys of the rows that `insert_new` has inserted."""
        self.cursor.execute(f"""
            SELECT target.{primary_key(self.plan.model)}
              FROM {STAGED} AS rows JOIN {table(self.plan.model)} AS target ON {same_target(self.plan)}
             WHERE outcome = 'new'
        """)
        return [key for (key,) in self.cursor.fetchall()]

    def update_changed(self) -> None:
        assignments = comma(f"{quoted(column.field.column)} = {staged(column)}" for column in self.plan.values)
        self.cursor.execute(f"""
            UPDATE {table(self.plan.model)} AS target SET {assignments} FROM {STAGED} AS rows
             WHERE outcome = 'changed' AND target.{primary_key(self.plan.model)} = rows.target
        """)

    @staticmethod
    def _cell(column: Column, value: object, old: object) -> Cell:
        render = column.widget.render
        return Cell(render(value), render(old), changed=not column.is_key and value != old)


def _counts(model: type[Model], **counts: int) -> TableCounts:
    return TableCounts(model._meta.db_table, str(model._meta.verbose_name_plural), **counts)
