"""Compare the staged rows of a run with the stored ones: each is new, changes a stored row, or leaves it unchanged."""

from healthtrack.core.appearance import appearance
from healthtrack.imports.plan import Column
from healthtrack.imports.sql import (
    comma,
    primary_key,
    quoted,
    staged_column,
    stored_column,
    table,
    target_matches,
)
from healthtrack.imports.staging import StagedRows


def compare(rows: StagedRows) -> None:
    """Set the outcome of each row. When called again, update only the rows whose outcome has changed since."""
    rows.find_parents()
    _forget_deleted(rows)
    _find_changed(rows)
    _ignore_invisible_changes(rows)


def _forget_deleted(rows: StagedRows) -> None:
    rows.cursor.execute(f"""
        UPDATE {rows.tables.rows} AS rows SET target = NULL, outcome = 'new'
         WHERE target IS NOT NULL
           AND NOT EXISTS (SELECT FROM {table(rows.plan.model)} AS target WHERE {target_matches(rows.plan)})
    """)  # noqa: S608 (names from the plan)


def _find_changed(rows: StagedRows) -> None:
    plan, key = rows.plan, primary_key(rows.plan.model)
    new, old = comma(map(staged_column, plan.values)), comma(map(stored_column, plan.values))
    changed = f"ROW({new}) IS DISTINCT FROM ROW({old})"  # never true of a plan that is all key
    outcome = f"CASE WHEN {changed} THEN 'changed' ELSE 'unchanged' END"
    rows.cursor.execute(f"""
        UPDATE {rows.tables.rows} AS rows SET target = target.{key}, outcome = {outcome}
          FROM {table(plan.model)} AS target
         WHERE {target_matches(plan)} AND (rows.target IS DISTINCT FROM target.{key} OR rows.outcome <> {outcome})
    """)  # noqa: S608 (names from the plan)


def _ignore_invisible_changes(rows: StagedRows) -> None:
    """Let changed rows take over stored texts that look the same as theirs: nobody could see such a change."""
    texts = [column for column in rows.plan.values if column.is_text]
    if not texts:
        return
    same = f"ROW({comma(_adopted(column) if column.is_text else staged_column(column) for column in rows.plan.values)})"
    stored = f"ROW({comma(map(stored_column, rows.plan.values))})"
    rows.cursor.execute(f"""
        UPDATE {rows.tables.rows} AS rows
           SET {comma(f"{quoted(column.name)} = {_adopted(column)}" for column in texts)},
               outcome = CASE WHEN {same} IS DISTINCT FROM {stored} THEN 'changed' ELSE 'unchanged' END
          FROM {table(rows.plan.model)} AS target
         WHERE outcome = 'changed' AND target.{primary_key(rows.plan.model)} = rows.target
           AND ({" OR ".join(map(_looks_the_same, texts))})
    """)  # noqa: S608 (names from the plan)


def _looks_the_same(column: Column) -> str:
    """Return the condition that the two texts differ, but not to the eye."""
    staged, stored = staged_column(column), stored_column(column)
    return f"({staged} <> {stored} AND {appearance(staged)} = {appearance(stored)})"


def _adopted(column: Column) -> str:
    return f"CASE WHEN {_looks_the_same(column)} THEN {stored_column(column)} ELSE {staged_column(column)} END"
