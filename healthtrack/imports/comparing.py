"""Compare the staged rows of a run with the stored ones: each is new, changes a stored row, or leaves it unchanged."""

from healthtrack.core.appearance import look_the_same
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
    """Set the outcome of each row."""
    _compare(rows, again=False)


def compare_again(rows: StagedRows) -> int:
    """Update the outcomes that have changed since the last comparison, and mark their rows as stale.

    Rows that change a stored row are stale too if that has other values now. Return how many rows are stale.
    """
    rows.add_missing_columns()
    rows.cursor.execute(f"UPDATE {rows.tables.rows} SET is_stale = false WHERE is_stale")  # noqa: S608 (a constant)
    _compare(rows, again=True)
    return rows.count_stale()


def _compare(rows: StagedRows, *, again: bool) -> None:
    rows.find_parents(marks_stale=again)
    _forget_deleted(rows)
    _find_changed(rows, again=again)
    _ignore_invisible_changes(rows)


def _forget_deleted(rows: StagedRows) -> None:
    rows.cursor.execute(f"""
        UPDATE {rows.tables.rows} AS rows SET target = NULL, outcome = 'new', seen = NULL, is_stale = true
         WHERE target IS NOT NULL
           AND NOT EXISTS (SELECT FROM {table(rows.plan.model)} AS target WHERE {target_matches(rows.plan)})
    """)  # noqa: S608 (names from the plan)


def _find_changed(rows: StagedRows, *, again: bool) -> None:
    plan, key = rows.plan, primary_key(rows.plan.model)
    new, old = comma(map(staged_column, plan.values)), comma(map(stored_column, plan.values))
    changed = f"(ROW({new}) IS DISTINCT FROM ROW({old}) AND ({' OR '.join(map(_differ, plan.values))}))"
    if not plan.values:
        changed = "false"
    outcome = f"CASE WHEN {changed} THEN 'changed' ELSE 'unchanged' END"
    seen = f"CASE WHEN {changed} THEN hashtextextended(ROW({old})::text, 0) END"
    rows.cursor.execute(f"""
        UPDATE {rows.tables.rows} AS rows
           SET target = target.{key}, outcome = {outcome}, seen = {seen}, is_stale = {again}
          FROM {table(plan.model)} AS target
         WHERE {target_matches(plan)}
           AND (rows.target IS DISTINCT FROM target.{key} OR rows.outcome <> {outcome} OR rows.seen <> {seen})
    """)  # noqa: S608 (names from the plan)


def _ignore_invisible_changes(rows: StagedRows) -> None:
    """Let changed rows take over stored texts that look the same as theirs: nobody could see such a change."""
    texts = [column for column in rows.plan.values if column.is_text]
    if not texts:
        return
    rows.cursor.execute(f"""
        UPDATE {rows.tables.rows} AS rows SET {comma(map(_adopt, texts))}
          FROM {table(rows.plan.model)} AS target
         WHERE outcome = 'changed' AND target.{primary_key(rows.plan.model)} = rows.target
           AND ({" OR ".join(f"({_looks_the_same(column)})" for column in texts)})
    """)  # noqa: S608 (names from the plan)


def _differ(column: Column) -> str:
    """Return the condition that the staged and the stored value differ, as people see them."""
    differ = f"{staged_column(column)} IS DISTINCT FROM {stored_column(column)}"
    return f"({differ} AND NOT ({_looks_the_same(column)}))" if column.is_text else differ


def _looks_the_same(column: Column) -> str:
    return look_the_same(staged_column(column), stored_column(column))


def _adopt(column: Column) -> str:
    staged, stored = staged_column(column), stored_column(column)
    return f"{quoted(column.name)} = CASE WHEN {_looks_the_same(column)} THEN {stored} ELSE {staged} END"
