"""Find what is to be done with each row that a run has inserted, changed or deleted.

The rows are those of the temporary table `undone`: what to do with each, and the state that it gets back.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from healthtrack.audit.models import Change
from healthtrack.audit.triggers import MADE_BY_RUN, OWN_KEY
from healthtrack.imports.sql import column_type, comma, quoted
from healthtrack.imports.undo.tracked import Tracked, subject_columns


class Execute(Protocol):
    """Executes a statement with the facts of the undo and further values, all of them by name."""

    def __call__(self, statement: str, **values: Any) -> None: ...


def find_affected_rows(execute: Execute, tables: Sequence[Tracked]) -> None:
    _make_table(execute)
    for each in tables:
        _find_made(execute, each)
    for each in tables:
        _find_going_along(execute, each)
    for each in tables:
        _find_gone(execute, each)
        _find_changed(execute, each)
    execute("ANALYZE undone")


def _make_table(execute: Execute) -> None:
    keys = comma(f"{quoted(column)} {column_type(Change, column)}" for column in (*subject_columns(), OWN_KEY))
    execute("DROP TABLE IF EXISTS pg_temp.undone")
    execute(f"""
        CREATE TEMPORARY TABLE undone (table_name text, {keys}, what text, state jsonb, conflict text)
        ON COMMIT DROP
    """)


def _find_made(execute: Execute, each: Tracked) -> None:
    execute(
        f"""
        INSERT INTO undone (table_name, what, {each.held})
        SELECT %(table)s, 'delete', {each.stored_keys} FROM {each.table} AS stored WHERE {MADE_BY_RUN} = %(run)s
         UNION
        SELECT %(table)s, 'delete', {each.stored_keys}
          FROM {each.table} AS stored JOIN changes AS change ON {each.same("stored", "change")}
         WHERE change.run_id = %(run)s AND change.table_name = %(table)s AND change.action = 'insert'
        """,  # noqa: S608 (names of tables and columns, from the models)
        table=each.name,
    )


def _find_going_along(execute: Execute, each: Tracked) -> None:
    for column, owner in each.relations:
        if each.goes_with(column):
            execute(
                f"""
                INSERT INTO undone (table_name, what, {each.held})
                SELECT %(table)s, 'delete', {each.stored_keys}
                  FROM {each.table} AS stored
                  JOIN undone AS owner ON owner.table_name = %(owner)s
                                      AND owner.{owner.held} = stored.{quoted(column)}
                 WHERE NOT EXISTS (SELECT FROM undone
                                    WHERE table_name = %(table)s AND {each.same("stored", "undone")})
                """,  # noqa: S608 (names of tables and columns, from the models)
                table=each.name,
                owner=owner.name,
            )


def _find_gone(execute: Execute, each: Tracked) -> None:
    """Find the deleted rows, but not those that the run itself had inserted."""
    execute(
        f"""
        INSERT INTO undone (table_name, what, {each.held}, state)
        SELECT DISTINCT ON ({each.held}) table_name, 'insert', {each.held},
               (SELECT jsonb_object_agg(key, value -> 0) FROM jsonb_each(fields))
          FROM changes
         WHERE run_id = %(run)s AND table_name = %(table)s AND action = 'delete'
           AND fields -> '{MADE_BY_RUN}' ->> 0 IS DISTINCT FROM %(run)s::text
         ORDER BY {each.held}, change_id
        """,  # noqa: S608 (names of columns, from the models)
        table=each.name,
    )


def _find_changed(execute: Execute, each: Tracked) -> None:
    execute(
        f"""
        INSERT INTO undone (table_name, what, {each.held}, state)
        SELECT %(table)s, 'restore', {each.held_in("change")},
               jsonb_object_agg(field.key, field.value -> 0 ORDER BY change.change_id DESC)
          FROM changes AS change, jsonb_each(change.fields) AS field
         WHERE change.run_id = %(run)s AND change.table_name = %(table)s AND change.action = 'update'
           AND NOT EXISTS (SELECT FROM undone WHERE table_name = %(table)s AND {each.same_held("change", "undone")})
         GROUP BY {each.held_in("change")}
        """,  # noqa: S608 (names of columns, from the models)
        table=each.name,
    )
