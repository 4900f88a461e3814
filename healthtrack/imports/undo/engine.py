"""Undo what a run did, in sets: delete the rows that it inserted, and give the others their old values back.

The same engine restores rows that people deleted.

Whatever somebody else has changed since stays as it is, as a whole: a patient with their links, a new tracker model
with its variants.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.backends.utils import CursorWrapper
from django.db.models import Model, QuerySet

from healthtrack.audit.triggers import OWN_KEY
from healthtrack.imports.life_cycle.undone_runs import get_first_run, get_void_runs
from healthtrack.imports.models import ImportRun
from healthtrack.imports.reasons import ConflictReason
from healthtrack.imports.results import TableCounts
from healthtrack.imports.tables.resources import BulkModelResource
from healthtrack.imports.tables.sql import check_foreign_keys, comma, quoted
from healthtrack.imports.undo.affected_rows import Found, find_affected_rows, find_deletions
from healthtrack.imports.undo.conflict_search import find_conflicts, leave_subjects
from healthtrack.imports.undo.tracked import TrackedTable, get_derived_tables, get_subject_columns, get_tracked_tables


class ReturnedRows:
    """The rows of the temporary table `undone`, which get back their state of before. Use it within a transaction."""

    def __init__(self, cursor: CursorWrapper) -> None:
        self.cursor = cursor
        self.tables = get_tracked_tables()
        self.parameters: dict[str, Any] = {}
        self.found: Found = set()

    def apply(self) -> None:
        """Delete, restore and insert the rows that `find` has found."""
        # Nothing may refer to a deleted row, except its parts: without their owner, triggers have nothing to count.
        for each in sorted(self.tables, key=lambda table: (table.is_part, -len([*table.relations]))):
            if (each.name, "delete") in self.found:
                self._delete(each)
            if (each.name, "restore") in self.found:
                self._restore(each)
        for each in self.tables:
            if (each.name, "insert") in self.found:
                self._reinsert(each)
        check_foreign_keys(self.cursor)

    def count_rows(self) -> list[TableCounts]:
        """Return for each table how many rows the undo deletes, restores, inserts again and leaves."""
        self.cursor.execute("SELECT table_name, what, conflict IS NULL, count(*) FROM undone GROUP BY 1, 2, 3")
        found = self.cursor.fetchall()

        def rows(each: TrackedTable, *whats: str, is_done: bool = True) -> int:
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

    def get_deleted_keys(self, model: type[Model], among: QuerySet[Any] | None = None) -> list[Any]:
        """Return the keys of the model's rows that it deletes; with `among`, only those that this query selects."""
        key = TrackedTable(model).history_keys
        if among is None:
            return self._select_keys(model, "delete", "conflict IS NULL")
        selected, values = among.query.sql_with_params()
        return self._select_keys(model, "delete", f"conflict IS NULL AND {key} IN ({selected})", *values)

    def get_left_keys(self, model: type[Model]) -> list[Any]:
        """Return the keys of the model's rows that it leaves as they are, because of conflicts."""
        whats = (what for name, what in self.found if name == model._meta.db_table)
        return [key for what in whats for key in self._select_keys(model, what, "conflict IS NOT NULL")]

    def get_restored_keys(self, model: type[Model], column: str) -> list[Any]:
        """Return the keys of the model's stored rows whose column gets its old value back."""
        return self._select_keys(model, "restore", "conflict IS NULL AND state ? %s", column)

    def get_restored_values(self, model: type[Model], column: str) -> list[tuple[Any, Any]]:
        """Return the keys of the model's stored rows whose column gets its old value back, with it as text."""
        values = f"{TrackedTable(model).history_keys}, state ->> '{column}'"
        return self._select(model, values, "restore", "conflict IS NULL AND state ? %s", column)

    def get_inserted(self, model: type[Model], *columns: str) -> list[tuple[Any, ...]]:
        """Return the values of these columns of the model's rows that it inserts again, as text."""
        held = TrackedTable(model).keys
        values = comma(f"{quoted(held[each])}::text" if each in held else f"state ->> '{each}'" for each in columns)
        return self._select(model, values, "insert", "conflict IS NULL")

    def _select_keys(self, model: type[Model], what: str, condition: str, *values: Any) -> list[Any]:
        each = TrackedTable(model)
        return [key for (key,) in self._select(model, each.history_keys, what, condition, *values)]

    def _select(self, model: type[Model], columns: str, what: str, condition: str, *values: Any) -> list[Any]:
        table = model._meta.db_table
        if (table, what) not in self.found:
            return []
        self.cursor.execute(
            f"SELECT {columns} FROM undone WHERE table_name = %s AND what = %s AND {condition}",  # noqa: S608 (names of columns, from the models)
            [table, what, *values],
        )
        return list(self.cursor.fetchall())

    def _execute(self, statement: str, **values: Any) -> int:
        self.cursor.execute(statement, {**self.parameters, **values})
        count: int = self.cursor.rowcount
        return count

    def _delete(self, each: TrackedTable) -> None:
        self._execute(
            f"""
            DELETE FROM {each.table} AS stored USING undone
             WHERE table_name = %(table)s AND what = 'delete' AND conflict IS NULL
               AND {each.match_keys("stored", "undone")}
            """,  # noqa: S608 (names of tables and columns, from the models)
            table=each.name,
        )

    def _restore(self, each: TrackedTable) -> None:
        columns = comma(map(quoted, each.columns))
        self._execute(
            f"""
            UPDATE {each.table} AS stored
               SET ({columns}) = (SELECT {columns} FROM jsonb_populate_record(stored, undone.state))
              FROM undone
             WHERE table_name = %(table)s AND what = 'restore' AND conflict IS NULL
               AND {each.match_keys("stored", "undone")}
            """,  # noqa: S608 (names of tables and columns, from the models)
            table=each.name,
        )

    def _reinsert(self, each: TrackedTable) -> None:
        names = (*each.keys, *each.columns)
        has_owners = "".join(
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
             WHERE undone.table_name = %(table)s AND what = 'insert' AND conflict IS NULL {has_owners}
            ON CONFLICT DO NOTHING
            """,  # noqa: S608 (names of tables and columns, from the models)
            table=each.name,
            **{f"key_{held}": key for key, held in each.keys.items()},
        )
        self._execute(
            f"""
            UPDATE undone SET conflict = %(conflict)s
             WHERE table_name = %(table)s AND what = 'insert' AND conflict IS NULL
               AND NOT EXISTS (SELECT FROM {each.table} AS stored WHERE {each.match_keys("stored", "undone")})
            """,  # noqa: S608 (names of tables and columns, from the models)
            table=each.name,
            conflict=ConflictReason.NO_ROOM,
        )


class Undo(ReturnedRows):
    """The undo of one run. Use it within a transaction."""

    def __init__(self, run: ImportRun, resource: BulkModelResource, cursor: CursorWrapper) -> None:
        super().__init__(cursor)
        self.resource = resource
        self.of_import = not get_first_run(run).is_edit
        self.parameters = {
            "run": run.run_id,
            "mark": run.first_change,
            "void": get_void_runs(),
            "derived": get_derived_tables(),
        }

    def find(self, *, locks: bool) -> None:
        """Find what to do with each row, and the conflicts; with `locks`, keep others from changing the rows."""
        self.found = find_affected_rows(self._execute, self.tables)
        for each in self.tables:
            if locks and {(each.name, "delete"), (each.name, "restore")} & self.found:
                self._lock(each)
        find_conflicts(self._execute, self.tables, self.found)
        found = self.resource.find_undo_conflicts(self, of_import=self.of_import)
        for reason, keys in found.items():
            if keys:
                leave_subjects(self._execute, TrackedTable(self.resource.plan.model), keys, reason)

    def apply(self) -> None:
        self.resource.before_undo(self)
        super().apply()
        self.resource.after_undo(self)

    def query_conflicts(self, statement: str, *values: int) -> list[tuple[Any, ...]]:
        """Execute a statement on `conflicts`, and return its rows, if any.

        `conflicts` has one row for each subject, such as a patient with the links. Rows that stay only because the row
        that they belong to stays are not among them.
        """
        subjects = {quoted(column): table.name for column, table in get_subject_columns().items()}
        tables = " ".join(f"WHEN {column} IS NOT NULL THEN %s" for column in subjects)
        keys = comma(_select_first(list(subjects)[: place + 1]) for place in range(len(subjects)))
        groups = comma(str(number) for number in range(1, len(subjects) + 3))
        self.cursor.execute(
            f"""
            WITH conflicts AS (
                SELECT CASE {tables} ELSE table_name END AS table_name, {keys}, {OWN_KEY}, min(conflict) AS reason
                  FROM undone WHERE conflict <> %s
                 GROUP BY {groups})
            {statement}
            """,  # noqa: S608 (names of columns, from the models, and statements of this package)
            [*subjects.values(), ConflictReason.OWNER_STAYS, *values],
        )
        return self.cursor.fetchall() if self.cursor.description else []

    def get_samples(self, limit: int) -> Iterator[tuple[Any, ...]]:
        """Yield some rows of each table: what the undo does, their keys, and their present and restored values."""
        keys = comma(f"undone.{quoted(column)}" for column in (*get_subject_columns(), OWN_KEY))
        for each in self.tables:
            self.cursor.execute(
                f"""
                SELECT table_name, what, {keys},
                       (SELECT jsonb_object_agg(key, jsonb_build_array(to_jsonb(stored) -> key, value))
                          FROM jsonb_each(state))
                  FROM (SELECT *, row_number() OVER (PARTITION BY what ORDER BY {each.history_keys}) AS place
                          FROM undone WHERE table_name = %s AND conflict IS NULL) AS undone
                  LEFT JOIN {each.table} AS stored ON {each.match_keys("stored", "undone")}
                 WHERE place <= %s ORDER BY what, place
                """,  # noqa: S608 (names of tables and columns, from the models)
                [each.name, limit],
            )
            yield from self.cursor.fetchall()

    def _lock(self, each: TrackedTable) -> None:
        """Lock the rows until the transaction ends: nobody else can change them or refer to them."""
        self._execute(
            f"""
            SELECT FROM {each.table} AS stored JOIN undone ON {each.match_keys("stored", "undone")}
             WHERE undone.table_name = %(table)s AND undone.what <> 'insert'
             ORDER BY {each.stored_keys} FOR UPDATE OF stored
            """,
            table=each.name,
        )


class RestoredDeletions(ReturnedRows):
    """Rows that people deleted, inserted again with the values that the history holds. Use it within a transaction."""

    def find(self, changes: Sequence[int]) -> None:
        """Find the rows whose deletions these changes recorded, and those whose place is occupied now."""
        self.found = find_deletions(self._execute, self.tables, changes)
        for each in self.tables:
            self._leave_existing(each)
        for each in self.tables:
            self._leave_with_owner(each)

    def _leave_existing(self, each: TrackedTable) -> None:
        self._execute(
            f"""
            UPDATE undone SET conflict = %(conflict)s
              FROM {each.table} AS stored
             WHERE undone.table_name = %(table)s AND {each.match_keys("stored", "undone")}
            """,  # noqa: S608 (names of tables and columns, from the models)
            table=each.name,
            conflict=ConflictReason.NO_ROOM,
        )

    def _leave_with_owner(self, each: TrackedTable) -> None:
        """Leave rows that belonged to a row whose key another one has now, such as the links of another patient."""
        for column, owner in each.relations:
            if each.is_deleted_with(column):
                self._execute(
                    f"""
                    UPDATE undone SET conflict = %(conflict)s
                      FROM undone AS owner
                     WHERE undone.table_name = %(table)s AND undone.conflict IS NULL
                       AND owner.table_name = %(owner)s AND owner.conflict IS NOT NULL
                       AND owner.{owner.history_keys} = undone.{quoted(each.keys[column])}
                    """,  # noqa: S608 (names of columns, from the models)
                    table=each.name,
                    owner=owner.name,
                    conflict=ConflictReason.OWNER_STAYS,
                )


def _select_first(columns: list[str]) -> str:
    """Return SQL for the last of these columns, NULL if a column before it has a value."""
    *earlier, column = columns
    conditions = " AND ".join(f"{each} IS NULL" for each in earlier)
    return f"CASE WHEN {conditions} THEN {column} END AS {column}" if earlier else column
