"""Undo what a run did, in sets: what it inserted goes, what it changed or deleted gets back what it was.

What somebody else has changed since stays as it is, whole: a patient with their links, a new tracker model with its
variants.
"""

from collections.abc import Iterator
from typing import Any

from django.db.backends.utils import CursorWrapper
from django.db.models import Model

from healthtrack.audit.triggers import OWN_KEY
from healthtrack.imports.models import ImportRun
from healthtrack.imports.reasons import ConflictReason
from healthtrack.imports.results import TableCounts
from healthtrack.imports.sql import comma, quoted
from healthtrack.imports.undo.affected_rows import find_affected_rows
from healthtrack.imports.undo.conflict_search import find_conflicts
from healthtrack.imports.undo.tracked import Tracked, subject_columns, tracked_tables
from healthtrack.imports.undone_runs import undone_runs


class Undo:
    """Of one run; to be used within a transaction."""

    def __init__(self, run: ImportRun, cursor: CursorWrapper) -> None:
        self.run = run
        self.cursor = cursor
        self.tables = tracked_tables()
        void = [number for pair in undone_runs().items() for number in pair]
        self.facts = {"run": run.run_id, "mark": run.first_change, "void": void}

    def find(self, *, locks: bool) -> None:
        """Fill `undone`: what is to be done with each row, and what is left as it is."""
        find_affected_rows(self._execute, self.tables)
        if locks:
            for each in self.tables:
                self._lock(each)
        find_conflicts(self._execute, self.tables)

    def apply(self) -> None:
        for each in self.tables:
            self._delete(each)
        for each in self.tables:
            self._restore(each)
            self._put_back(each)
        self.cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        self.cursor.execute("SET CONSTRAINTS ALL DEFERRED")

    def counts(self) -> list[TableCounts]:
        self.cursor.execute("SELECT table_name, what, conflict IS NULL, count(*) FROM undone GROUP BY 1, 2, 3")
        found = self.cursor.fetchall()

        def rows(each: Tracked, *whats: str, is_done: bool = True) -> int:
            return sum(n for name, what, done, n in found if name == each.name and what in whats and done == is_done)

        return [
            TableCounts(
                each.name,
                str(each.model._meta.verbose_name_plural),
                new=rows(each, "insert"),
                changed=rows(each, "restore"),
                removed=rows(each, "delete"),
                left=rows(each, "insert", "restore", "delete", is_done=False),
            )
            for each in self.tables
        ]

    def conflicts(self, statement: str, *values: int) -> list[tuple[Any, ...]]:
        """Execute a statement over `conflicts`, the rows left: a subject is one with what belongs to it.

        Rows that only go along with others are not among them.
        """
        subjects = {quoted(column): table.name for column, table in subject_columns().items()}
        tables = " ".join(f"WHEN {column} IS NOT NULL THEN %s" for column in subjects)
        keys = comma(_first_of(list(subjects)[: place + 1]) for place in range(len(subjects)))
        groups = comma(str(number) for number in range(1, len(subjects) + 3))
        self.cursor.execute(
            f"""
            WITH conflicts AS (
                SELECT CASE {tables} ELSE table_name END AS table_name, {keys}, {OWN_KEY}, min(conflict) AS reason
                  FROM undone WHERE conflict <> %s
                 GROUP BY {groups})
            {statement}
            """,  # noqa: S608 (names of columns, from the models, and statements of this package)
            [*subjects.values(), ConflictReason.KEPT_WITH_OWNER, *values],
        )
        return self.cursor.fetchall() if self.cursor.description else []

    def samples(self, most: int) -> Iterator[tuple[Any, ...]]:
        """Some rows of each table: what is done to them, their keys, and what they are and become."""
        keys = comma(f"undone.{quoted(column)}" for column in (*subject_columns(), OWN_KEY))
        for each in self.tables:
            self.cursor.execute(
                f"""
                SELECT table_name, what, {keys},
                       (SELECT jsonb_object_agg(key, jsonb_build_array(to_jsonb(stored) -> key, value))
                          FROM jsonb_each(state))
                  FROM (SELECT *, row_number() OVER (PARTITION BY what ORDER BY {each.held}) AS place
                          FROM undone WHERE table_name = %s AND conflict IS NULL) AS undone
                  LEFT JOIN {each.table} AS stored ON {each.same("stored", "undone")}
                 WHERE place <= %s ORDER BY what, place
                """,  # noqa: S608 (names of tables and columns, from the models)
                [each.name, most],
            )
            yield from self.cursor.fetchall()

    def came_back(self, model: type[Model], column: str) -> list[Any]:
        """The keys of rows that were put back, or whose column was."""
        each = Tracked(model)
        self.cursor.execute(
            f"""
            SELECT {each.held} FROM undone
             WHERE table_name = %s AND conflict IS NULL AND (what = 'insert' OR (what = 'restore' AND state ? %s))
            """,  # noqa: S608 (names of columns, from the models)
            [each.name, column],
        )
        return [key for (key,) in self.cursor.fetchall()]

    def _execute(self, statement: str, **values: Any) -> None:
        self.cursor.execute(statement, {**self.facts, **values})

    def _lock(self, each: Tracked) -> None:
        """From here to the end nobody else changes these rows, or refers to them."""
        self._execute(
            f"""
            SELECT FROM {each.table} AS stored JOIN undone ON {each.same("stored", "undone")}
             WHERE undone.table_name = %(table)s AND undone.what <> 'insert'
             ORDER BY {each.stored_keys} FOR UPDATE OF stored
            """,
            table=each.name,
        )

    def _delete(self, each: Tracked) -> None:
        self._execute(
            f"""
            DELETE FROM {each.table} AS stored USING undone
             WHERE table_name = %(table)s AND what = 'delete' AND conflict IS NULL
               AND {each.same("stored", "undone")}
            """,  # noqa: S608 (names of tables and columns, from the models)
            table=each.name,
        )

    def _restore(self, each: Tracked) -> None:
        columns = comma(map(quoted, each.columns))
        self._execute(
            f"""
            UPDATE {each.table} AS stored
               SET ({columns}) = (SELECT {columns} FROM jsonb_populate_record(stored, undone.state))
              FROM undone
             WHERE table_name = %(table)s AND what = 'restore' AND conflict IS NULL
               AND {each.same("stored", "undone")}
            """,  # noqa: S608 (names of tables and columns, from the models)
            table=each.name,
        )

    def _put_back(self, each: Tracked) -> None:
        names = (*each.keys, *each.columns)
        there = "".join(
            f" AND EXISTS (SELECT FROM {owner.table} AS owner"
            f" WHERE owner.{quoted(next(iter(owner.keys)))} = back.{quoted(column)})"
            for column, owner in each.relations
        )
        key = comma(f"%(key_{held})s::text, undone.{quoted(held)}" for held in each.keys.values())
        self._execute(
            f"""
            INSERT INTO {each.table} ({comma(map(quoted, names))})
            SELECT {comma(f"back.{quoted(name)}" for name in names)}
              FROM undone,
                   jsonb_populate_record(NULL::{each.table}, undone.state || jsonb_build_object({key})) AS back
             WHERE undone.table_name = %(table)s AND what = 'insert' AND conflict IS NULL {there}
            ON CONFLICT DO NOTHING
            """,  # noqa: S608 (names of tables and columns, from the models)
            table=each.name,
            **{f"key_{held}": key for key, held in each.keys.items()},
        )
        self._execute(
            f"""
            UPDATE undone SET conflict = %(conflict)s
             WHERE table_name = %(table)s AND what = 'insert' AND conflict IS NULL
               AND NOT EXISTS (SELECT FROM {each.table} AS stored WHERE {each.same("stored", "undone")})
            """,  # noqa: S608 (names of tables and columns, from the models)
            table=each.name,
            conflict=ConflictReason.NO_ROOM,
        )


def _first_of(columns: list[str]) -> str:
    """The last of these columns, unless one before it has a value."""
    *earlier, column = columns
    conditions = " AND ".join(f"{each} IS NULL" for each in earlier)
    return f"CASE WHEN {conditions} THEN {column} END AS {column}" if earlier else column
