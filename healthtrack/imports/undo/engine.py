"""Takes back what a run did, in sets: what it inserted goes, what it changed or deleted gets back what it was.

What somebody else has changed since stays as it is, whole: a patient with their links, a new tracker model with its
variants. Links that follow from a stated tracker are nobody's change.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.backends.utils import CursorWrapper
from django.db.models import CASCADE, ForeignKey, Model

from healthtrack.audit.triggers import MADE_BY_RUN, history_of, tracked_models
from healthtrack.imports.models import ImportRun, State
from healthtrack.imports.results import TableCounts
from healthtrack.imports.sql import comma, quoted

CHANGED_SINCE = "It was changed since."
IN_USE = "Something that came since refers to it."
KEPT_WITH_OWNER = "What it belongs to stays."
NOT_THERE = "It was deleted since."
NO_ROOM = "Another one is in its place, or what it refers to is not there any more."

_MAKE = """
    CREATE TEMPORARY TABLE undone (
        table_name text, patient_id text COLLATE "C", model_id integer, row_id integer,
        what text, state jsonb, conflict text) ON COMMIT DROP
"""
# Of others, after the run, and not taken back meanwhile.
_LATER = """
    change_id > %(mark)s AND run_id IS DISTINCT FROM %(run)s AND (run_id IS NULL OR run_id <> ALL(%(void)s))
"""
_CHANGED_SINCE = (
    f"""
    UPDATE undone SET conflict = '{CHANGED_SINCE}'
     WHERE patient_id IN (SELECT patient_id FROM changes
                           WHERE {_LATER} AND (fields -> 'source' IS NULL OR fields -> 'source' ? 'staff'))
    """,
    f"""
    UPDATE undone SET conflict = '{CHANGED_SINCE}'
     WHERE patient_id IS NULL AND row_id IS NULL
       AND model_id IN (SELECT model_id FROM changes WHERE {_LATER} AND patient_id IS NULL)
    """,
    f"""
    UPDATE undone SET conflict = '{CHANGED_SINCE}'
     WHERE (table_name, row_id) IN (SELECT table_name, row_id FROM changes WHERE {_LATER} AND row_id IS NOT NULL)
    """,
)


def taken_back() -> dict[int, int]:
    """The runs that were taken back, each with the undo that did it: together they changed nothing."""
    undos = ImportRun.objects.filter(undoes__isnull=False, state=State.APPLIED).order_by("-run_id")
    found: dict[int, int] = {}
    for undo, run in undos.values_list("run_id", "undoes_id"):
        if undo not in found:
            found[int(str(run))] = undo
    return found


@dataclass(frozen=True)
class Tracked:
    """A table with a history."""

    model: type[Model]

    @property
    def name(self) -> str:
        return self.model._meta.db_table

    @cached_property
    def keys(self) -> dict[str, str]:
        """The columns of the key, and those of `undone` and `changes` that hold them."""
        columns = [str(field.column) for field in self.model._meta.pk_fields]
        return {column: column if column in {"patient_id", "model_id"} else "row_id" for column in columns}

    @property
    def held(self) -> str:
        return comma(self.keys.values())

    @cached_property
    def columns(self) -> list[str]:
        """Those that the history tells of, besides the key."""
        fields = [str(field.column) for field in self.model._meta.concrete_fields if field.column]
        return [column for column in fields if column not in {*self.keys, *history_of(self.model).internal}]

    @property
    def relations(self) -> Iterator[tuple[str, "Tracked"]]:
        """The columns that refer to tables with a history, and these."""
        for field in self.model._meta.concrete_fields:
            if isinstance(field, ForeignKey) and field.related_model in tracked_models().values():
                yield str(field.column), Tracked(field.related_model)

    def goes_with(self, column: str) -> bool:
        """Whether a row goes when the one goes that this column of its key names."""
        fields: Iterator[Any] = (each for each in self.model._meta.concrete_fields if each.column == column)
        return column in self.keys and next(fields).remote_field.on_delete is CASCADE

    def same(self, row: str, other: str) -> str:
        return " AND ".join(f"{row}.{quoted(key)} = {other}.{held}" for key, held in self.keys.items())


def tracked_tables() -> list[Tracked]:
    """Those whose rows runs insert; what others refer to comes before these."""
    found = [Tracked(model) for model in tracked_models().values()]
    made = [each for each in found if any(field.column == MADE_BY_RUN for field in each.model._meta.concrete_fields)]
    return sorted(made, key=lambda each: len(list(each.relations)))


class Undo:
    """Of one run; to be used within a transaction."""

    def __init__(self, run: ImportRun, cursor: CursorWrapper) -> None:
        self.run = run
        self.cursor = cursor
        self.tables = tracked_tables()
        void = [number for pair in taken_back().items() for number in pair]
        self.facts = {"run": run.run_id, "mark": run.first_change, "void": void}

    def find(self, *, locks: bool) -> None:
        """Fills `undone`: what is to be done with each row, and what is left as it is."""
        self.cursor.execute(f"DROP TABLE IF EXISTS pg_temp.undone; {_MAKE}")
        for each in self.tables:
            self._find_made(each)
        for each in self.tables:
            self._find_going_along(each)
        for each in self.tables:
            self._find_gone(each)
            self._find_changed(each)
        self.cursor.execute("ANALYZE undone")
        if locks:
            for each in self.tables:
                self._lock(each)
        self._find_conflicts()

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
        """What `statement` asks of the rows left: of a patient as one with the links, and none that only goes along."""
        (patients,) = (each.name for each in self.tables if [*each.keys] == ["patient_id"])
        self.cursor.execute(
            f"""
            WITH conflicts AS (
                SELECT CASE WHEN patient_id IS NULL THEN table_name ELSE '{patients}' END AS table_name, patient_id,
                       CASE WHEN patient_id IS NULL THEN model_id END AS model_id, row_id, min(conflict) AS reason
                  FROM undone WHERE conflict <> '{KEPT_WITH_OWNER}'
                 GROUP BY 1, 2, 3, 4)
            {statement}
            """,
            values,
        )
        return self.cursor.fetchall() if self.cursor.description else []

    def samples(self, most: int) -> Iterator[tuple[Any, ...]]:
        """Some rows of each table: what is done to them, their keys, and what they are and become."""
        for each in self.tables:
            self.cursor.execute(
                f"""
                SELECT table_name, what, undone.patient_id, undone.model_id, undone.row_id,
                       (SELECT jsonb_object_agg(key, jsonb_build_array(to_jsonb(stored) -> key, value))
                          FROM jsonb_each(state))
                  FROM (SELECT *, row_number() OVER (PARTITION BY what ORDER BY {each.held}) AS place
                          FROM undone WHERE table_name = '{each.name}' AND conflict IS NULL) AS undone
                  LEFT JOIN {each.name} AS stored ON {each.same("stored", "undone")}
                 WHERE place <= %s ORDER BY what, place
                """,
                [most],
            )
            yield from self.cursor.fetchall()

    def came_back(self, model: type[Model], column: str) -> list[Any]:
        """The keys of rows that were put back, or whose column was."""
        ((_, held),) = Tracked(model).keys.items()
        self.cursor.execute(
            f"""
            SELECT {held} FROM undone
             WHERE table_name = %s AND conflict IS NULL AND (what = 'insert' OR (what = 'restore' AND state ? %s))
            """,
            [model._meta.db_table, column],
        )
        return [key for (key,) in self.cursor.fetchall()]

    def _execute(self, statement: str) -> None:
        self.cursor.execute(statement, self.facts)

    def _find_made(self, each: Tracked) -> None:
        keys = comma(f"stored.{quoted(key)}" for key in each.keys)
        self._execute(f"""
            INSERT INTO undone (table_name, what, {each.held})
            SELECT '{each.name}', 'delete', {keys} FROM {each.name} AS stored WHERE {MADE_BY_RUN} = %(run)s
             UNION
            SELECT '{each.name}', 'delete', {keys}
              FROM {each.name} AS stored JOIN changes AS change ON {each.same("stored", "change")}
             WHERE change.run_id = %(run)s AND change.table_name = '{each.name}' AND change.action = 'insert'
        """)

    def _find_going_along(self, each: Tracked) -> None:
        for column, owner in each.relations:
            if each.goes_with(column):
                self._execute(f"""
                    INSERT INTO undone (table_name, what, {each.held})
                    SELECT '{each.name}', 'delete', {comma(f"stored.{quoted(key)}" for key in each.keys)}
                      FROM {each.name} AS stored
                      JOIN undone AS owner ON owner.table_name = '{owner.name}' AND owner.{column} = stored.{column}
                     WHERE NOT EXISTS (SELECT FROM undone
                                        WHERE table_name = '{each.name}' AND {each.same("stored", "undone")})
                """)

    def _find_gone(self, each: Tracked) -> None:
        """Not those that the run itself had inserted."""
        self._execute(f"""
            INSERT INTO undone (table_name, what, {each.held}, state)
            SELECT DISTINCT ON ({each.held}) '{each.name}', 'insert', {each.held},
                   (SELECT jsonb_object_agg(key, value -> 0) FROM jsonb_each(fields))
              FROM changes
             WHERE run_id = %(run)s AND table_name = '{each.name}' AND action = 'delete'
               AND fields -> '{MADE_BY_RUN}' ->> 0 IS DISTINCT FROM %(run)s::text
             ORDER BY {each.held}, change_id
        """)

    def _find_changed(self, each: Tracked) -> None:
        held = comma(f"change.{held}" for held in each.keys.values())
        same = " AND ".join(f"change.{held} = undone.{held}" for held in each.keys.values())
        self._execute(f"""
            INSERT INTO undone (table_name, what, {each.held}, state)
            SELECT '{each.name}', 'restore', {held},
                   jsonb_object_agg(field.key, field.value -> 0 ORDER BY change.change_id DESC)
              FROM changes AS change, jsonb_each(change.fields) AS field
             WHERE change.run_id = %(run)s AND change.table_name = '{each.name}' AND change.action = 'update'
               AND NOT EXISTS (SELECT FROM undone WHERE table_name = '{each.name}' AND {same})
             GROUP BY {held}
        """)

    def _lock(self, each: Tracked) -> None:
        """From here to the end nobody else changes these rows, or refers to them."""
        self._execute(f"""
            SELECT FROM {each.name} AS stored JOIN undone ON {each.same("stored", "undone")}
             WHERE undone.table_name = '{each.name}' AND undone.what <> 'insert'
             ORDER BY {comma(f"stored.{quoted(key)}" for key in each.keys)} FOR UPDATE OF stored
        """)

    def _find_conflicts(self) -> None:
        for statement in _CHANGED_SINCE:
            self._execute(statement)
        for each in self.tables:
            self._execute(f"""
                UPDATE undone SET conflict = '{NOT_THERE}'
                 WHERE table_name = '{each.name}' AND what = 'restore' AND conflict IS NULL
                   AND NOT EXISTS (SELECT FROM {each.name} AS stored WHERE {each.same("stored", "undone")})
            """)
        for each in map(Tracked, tracked_models().values()):
            for column, owner in each.relations:
                if not each.goes_with(column):
                    self._keep_in_use(each, column, owner)
        for each in self.tables:
            for column, owner in each.relations:
                if not each.goes_with(column):
                    self._keep_with_owner(each, column, owner)

    def _keep_in_use(self, each: Tracked, column: str, owner: Tracked) -> None:
        (held,) = owner.keys.values()
        self._execute(f"""
            UPDATE undone SET conflict = '{IN_USE}'
             WHERE table_name = '{owner.name}' AND what = 'delete' AND conflict IS NULL
               AND {held} IN (
                   SELECT stored.{column} FROM {each.name} AS stored
                    WHERE NOT EXISTS (SELECT FROM undone AS own
                                       WHERE own.table_name = '{each.name}' AND own.what = 'delete'
                                         AND own.conflict IS NULL AND {each.same("stored", "own")}))
        """)

    def _keep_with_owner(self, each: Tracked, column: str, owner: Tracked) -> None:
        (held,) = owner.keys.values()
        self._execute(f"""
            UPDATE undone SET conflict = '{KEPT_WITH_OWNER}'
              FROM {each.name} AS stored
              JOIN undone AS kept ON kept.table_name = '{owner.name}' AND kept.what = 'delete'
                                 AND kept.conflict IS NOT NULL AND kept.{held} = stored.{column}
             WHERE undone.table_name = '{each.name}' AND undone.what = 'delete' AND undone.conflict IS NULL
               AND {each.same("stored", "undone")}
        """)

    def _delete(self, each: Tracked) -> None:
        self._execute(f"""
            DELETE FROM {each.name} AS stored USING undone
             WHERE table_name = '{each.name}' AND what = 'delete' AND conflict IS NULL
               AND {each.same("stored", "undone")}
        """)

    def _restore(self, each: Tracked) -> None:
        columns = comma(map(quoted, each.columns))
        self._execute(f"""
            UPDATE {each.name} AS stored
               SET ({columns}) = (SELECT {columns} FROM jsonb_populate_record(stored, undone.state))
              FROM undone
             WHERE table_name = '{each.name}' AND what = 'restore' AND conflict IS NULL
               AND {each.same("stored", "undone")}
        """)

    def _put_back(self, each: Tracked) -> None:
        columns = comma(map(quoted, (*each.keys, *each.columns)))
        key = comma(f"'{key}', undone.{held}" for key, held in each.keys.items())
        there = "".join(
            f" AND EXISTS (SELECT FROM {owner.name} AS owner WHERE owner.{next(iter(owner.keys))} = back.{column})"
            for column, owner in each.relations
        )
        self._execute(f"""
            INSERT INTO {each.name} ({columns})
            SELECT {comma(f"back.{quoted(column)}" for column in (*each.keys, *each.columns))}
              FROM undone, jsonb_populate_record(NULL::{each.name}, undone.state || jsonb_build_object({key})) AS back
             WHERE undone.table_name = '{each.name}' AND what = 'insert' AND conflict IS NULL {there}
            ON CONFLICT DO NOTHING
        """)
        self._execute(f"""
            UPDATE undone SET conflict = '{NO_ROOM}'
             WHERE table_name = '{each.name}' AND what = 'insert' AND conflict IS NULL
               AND NOT EXISTS (SELECT FROM {each.name} AS stored WHERE {each.same("stored", "undone")})
        """)
