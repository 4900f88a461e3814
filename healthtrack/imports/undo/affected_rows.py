"""Find the rows that a run has inserted, changed or deleted, and what an undo does with each.

They go into the temporary table `undone`, with what to do (`what`) and the old values that the row gets back (`state`).
"""

from collections.abc import Sequence
from typing import Any, Protocol

from healthtrack.audit.models import Change
from healthtrack.audit.triggers import MADE_BY_RUN, OWN_KEY
from healthtrack.imports.tables.sql import column_type, comma, quoted
from healthtrack.imports.undo.tracked import TrackedTable, get_subject_columns

# The tables whose rows are in `undone`, each with what to do with them: nothing else needs a statement.
Found = set[tuple[str, str]]
_STATE_BEFORE = "(SELECT jsonb_object_agg(key, value -> 0) FROM jsonb_each(fields))"


class Execute(Protocol):
    """Executes a statement with the parameters of the undo and further values, all of them by name.

    Returns how many rows it inserted or changed.
    """

    def __call__(self, statement: str, **values: Any) -> int: ...


def find_affected_rows(execute: Execute, tables: Sequence[TrackedTable]) -> Found:
    """Create and fill the temporary table `undone`. Return what it holds."""
    _make_table(execute)
    found: Found = {(each.name, "delete") for each in tables if _find_inserted(execute, each)}
    for each in tables:
        if _find_cascaded(execute, each, found):
            found.add((each.name, "delete"))
    for each in tables:
        if _find_deleted(execute, each):
            found.add((each.name, "insert"))
        if _find_changed(execute, each):
            found.add((each.name, "restore"))
    execute("ANALYZE undone")
    return found


def find_deletions(execute: Execute, tables: Sequence[TrackedTable], changes: Sequence[int]) -> Found:
    """Create the temporary table `undone`, and fill it with the rows whose deletions these changes recorded."""
    _make_table(execute)
    return {(each.name, "insert") for each in tables if _find_recorded(execute, each, changes)}


def _find_recorded(execute: Execute, each: TrackedTable, changes: Sequence[int]) -> int:
    return execute(
        f"""
        INSERT INTO undone (table_name, what, {each.history_keys}, state)
        SELECT table_name, 'insert', {each.history_keys}, {_STATE_BEFORE}
          FROM changes WHERE change_id = ANY (%(changes)s) AND table_name = %(table)s AND action = 'delete'
        """,  # noqa: S608 (names of columns, from the models)
        table=each.name,
        changes=list(changes),
    )


def _make_table(execute: Execute) -> None:
    keys = comma(f"{quoted(column)} {column_type(Change, column)}" for column in (*get_subject_columns(), OWN_KEY))
    execute("DROP TABLE IF EXISTS pg_temp.undone")
    execute(f"""
        CREATE TEMPORARY TABLE undone (table_name text, {keys}, what text, state jsonb, conflict text)
        ON COMMIT DROP
    """)


def _find_inserted(execute: Execute, each: TrackedTable) -> int:
    """Find the rows that the run inserted, in the order in which they are stored: so they are deleted fastest."""
    insert = f"INSERT INTO undone (table_name, what, {each.history_keys})"
    made = execute(
        f"""
        {insert} SELECT %(table)s, 'delete', {each.stored_keys} FROM {each.table} AS stored
                  WHERE {MADE_BY_RUN} = %(run)s
        """,  # noqa: S608 (names of tables and columns, from the models)
        table=each.name,
    )
    return made + execute(
        f"""
        {insert}
        SELECT DISTINCT %(table)s, 'delete', {each.stored_keys}
          FROM {each.table} AS stored JOIN changes AS change ON {each.match_keys("stored", "change")}
         WHERE change.run_id = %(run)s AND change.table_name = %(table)s AND change.action = 'insert'
           AND {MADE_BY_RUN} IS DISTINCT FROM %(run)s
        """,  # noqa: S608 (names of tables and columns, from the models)
        table=each.name,
    )


def _find_cascaded(execute: Execute, each: TrackedTable, found: Found) -> int:
    count = 0
    for column, owner in each.relations:
        if each.is_deleted_with(column) and (owner.name, "delete") in found:
            count += execute(
                f"""
                INSERT INTO undone (table_name, what, {each.history_keys})
                SELECT %(table)s, 'delete', {each.stored_keys}
                  FROM {each.table} AS stored
                  JOIN undone AS owner ON owner.table_name = %(owner)s
                                      AND owner.{owner.history_keys} = stored.{quoted(column)}
                 WHERE NOT EXISTS (SELECT FROM undone
                                    WHERE table_name = %(table)s AND {each.match_keys("stored", "undone")})
                """,  # noqa: S608 (names of tables and columns, from the models)
                table=each.name,
                owner=owner.name,
            )
    return count


def _find_deleted(execute: Execute, each: TrackedTable) -> int:
    """Find the rows that the run deleted, except those that it had inserted itself."""
    return execute(
        f"""
        INSERT INTO undone (table_name, what, {each.history_keys}, state)
        SELECT DISTINCT ON ({each.history_keys}) table_name, 'insert', {each.history_keys},
               {_STATE_BEFORE}
          FROM changes
         WHERE run_id = %(run)s AND table_name = %(table)s AND action = 'delete'
           AND fields -> '{MADE_BY_RUN}' ->> 0 IS DISTINCT FROM %(run)s::text
         ORDER BY {each.history_keys}, change_id
        """,  # noqa: S608 (names of columns, from the models)
        table=each.name,
    )


def _find_changed(execute: Execute, each: TrackedTable) -> int:
    return execute(
        f"""
        INSERT INTO undone (table_name, what, {each.history_keys}, state)
        SELECT %(table)s, 'restore', {each.history_keys_of("change")},
               jsonb_object_agg(field.key, field.value -> 0 ORDER BY change.change_id DESC)
          FROM changes AS change, jsonb_each(change.fields) AS field
         WHERE change.run_id = %(run)s AND change.table_name = %(table)s AND change.action = 'update'
           AND NOT EXISTS (SELECT FROM undone
                            WHERE table_name = %(table)s AND {each.match_history_keys("change", "undone")})
         GROUP BY {each.history_keys_of("change")}
        """,  # noqa: S608 (names of columns, from the models)
        table=each.name,
    )
