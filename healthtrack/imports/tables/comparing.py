"""Compare the staged rows of a run with the stored ones: each is new, changes a stored row, or leaves it unchanged."""

from healthtrack.core.appearance import look_the_same
from healthtrack.imports.columns.plan import Column
from healthtrack.imports.reading.table import LINE
from healthtrack.imports.results import TabularResult
from healthtrack.imports.row_warnings import WARNING
from healthtrack.imports.tables.absent_columns import fill_absent
from healthtrack.imports.tables.counting import count_rows
from healthtrack.imports.tables.sql import (
    comma,
    primary_key,
    quoted,
    staged_column,
    stored_column,
    table,
    target_matches,
)
from healthtrack.imports.tables.staging import ROWS_WITHOUT_INDEX, StagedRows

_RESET = "warnings = NULL, accepted = false"
_WITHOUT_WARNING = f"CASE rows.outcome WHEN '{WARNING}' THEN 'changed' ELSE rows.outcome END"


def compare(rows: StagedRows) -> None:
    """Set the outcome of each row: new, changed, unchanged, or with warnings."""
    _compare(rows, again=False)


def compare_and_lock(rows: StagedRows, *, is_compared: bool) -> tuple[int, TabularResult]:
    """Compare the rows, and lock the stored ones that they change. Return how many rows are stale, and the counts."""
    if not is_compared:
        compare(rows)
        rows.analyze_outcomes()
        result = count_rows(rows)
        if sum(result.listed.values()) > ROWS_WITHOUT_INDEX:
            rows.create_indexes()
        if not {"changed", WARNING} & result.listed.keys():
            return 0, result
    rows.lock_changed()  # from now on nobody changes what the preview, or the first comparison, showed
    stale = compare_again(rows)
    return stale, count_rows(rows)


def compare_again(rows: StagedRows) -> int:
    """Update the outcomes that have changed since the last comparison, and mark their rows as stale.

    Rows that change a stored row are stale too if that has other values now, or if they have other warnings. What
    somebody selected among stale rows is forgotten. Return how many rows are stale.
    """
    rows.add_missing_columns()
    rows.cursor.execute(f"UPDATE {rows.tables.rows} SET is_stale = false WHERE is_stale")  # noqa: S608 (a constant)
    _compare(rows, again=True)
    return rows.count_stale()


def _compare(rows: StagedRows, *, again: bool) -> None:
    rows.find_parents(marks_stale=again)
    fill_absent(rows)
    if again:
        _forget_deleted(rows)
    updated = _find_changed(rows, again=again)
    # An import of new rows alone need not join them with the stored ones again.
    if (updated or again) and _has_changed(rows):
        _ignore_invisible_changes(rows)
        _find_warnings(rows, of_new=False, again=again)
    _find_warnings(rows, of_new=True, again=again)


def _forget_deleted(rows: StagedRows) -> None:
    rows.cursor.execute(f"""
        UPDATE {rows.tables.rows} AS rows SET target = NULL, outcome = 'new', {_RESET}, seen = NULL, is_stale = true
         WHERE target IS NOT NULL
           AND NOT EXISTS (SELECT FROM {table(rows.plan.model)} AS target WHERE {target_matches(rows.plan)})
    """)  # noqa: S608 (names from the plan)


def _find_changed(rows: StagedRows, *, again: bool) -> int:
    """Set the outcomes of rows that are stored. Return how many have got another one than before."""
    plan, key = rows.plan, primary_key(rows.plan.model)
    new, old = comma(map(staged_column, plan.values)), comma(map(stored_column, plan.values))
    changed = f"(ROW({new}) IS DISTINCT FROM ROW({old}) AND ({' OR '.join(map(_differ, plan.values))}))"
    if not plan.values:
        changed = "false"
    outcome = f"CASE WHEN {changed} THEN 'changed' ELSE 'unchanged' END"
    seen = f"CASE WHEN {changed} THEN hashtextextended(ROW({old})::text, 0) END"
    rows.cursor.execute(f"""
        UPDATE {rows.tables.rows} AS rows
           SET target = target.{key}, outcome = {outcome}, {_RESET}, seen = {seen}, is_stale = {again}
          FROM {table(plan.model)} AS target
         WHERE {target_matches(plan)}
           AND (rows.target IS DISTINCT FROM target.{key} OR {_WITHOUT_WARNING} <> {outcome} OR rows.seen <> {seen})
    """)  # noqa: S608 (names from the plan)
    return int(rows.cursor.rowcount)


def _has_changed(rows: StagedRows) -> bool:
    rows.cursor.execute(
        f"SELECT EXISTS (SELECT FROM {rows.tables.rows} WHERE outcome IN ('changed', '{WARNING}'))"  # noqa: S608 (constants)
    )
    return bool(rows.cursor.fetchone()[0])


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


def _find_warnings(rows: StagedRows, *, of_new: bool, again: bool) -> None:
    """Set the warnings of the rows that change a stored row, or of new rows, in one pass over them."""
    warnings = [warning for warning in rows.decisions.warnings if warning.of_new in {of_new, None}]
    if not warnings:
        return
    # Most rows have none, so the others are found first: what follows is then quick.
    has_any = " OR ".join(["rows.warnings IS NOT NULL", *(f"({warning.condition})" for warning in warnings)])
    kinds = comma(f"CASE WHEN {warning.condition} THEN '{warning.kind}' END" for warning in warnings)
    outcome = "new" if of_new else "changed"
    key = primary_key(rows.plan.model)
    stored = "" if of_new else f"JOIN {table(rows.plan.model)} AS target ON target.{key} = rows.target"
    rows.cursor.execute(f"""
        UPDATE {rows.tables.rows} AS rows
           SET warnings = now.warnings, accepted = false, is_stale = rows.is_stale OR {again},
               outcome = CASE WHEN now.warnings IS NULL THEN '{outcome}' ELSE '{WARNING}' END
          FROM (SELECT rows.{LINE}, nullif(array_remove(ARRAY[{kinds}], NULL), '{{}}') AS warnings
                  FROM {rows.tables.rows} AS rows {stored}
                 WHERE rows.outcome IN ('{outcome}', '{WARNING}') AND (rows.target IS NULL) = {of_new}
                   AND ({has_any})) AS now
         WHERE rows.{LINE} = now.{LINE} AND rows.warnings IS DISTINCT FROM now.warnings
    """)  # noqa: S608 (names from the plan, and conditions that resources declare)


def _differ(column: Column) -> str:
    """Return the condition that the staged and the stored value differ, as people see them."""
    differ = f"{staged_column(column)} IS DISTINCT FROM {stored_column(column)}"
    return f"({differ} AND NOT ({_looks_the_same(column)}))" if column.is_text else differ


def _looks_the_same(column: Column) -> str:
    return look_the_same(staged_column(column), stored_column(column))


def _adopt(column: Column) -> str:
    staged, stored = staged_column(column), stored_column(column)
    return f"{quoted(column.name)} = CASE WHEN {_looks_the_same(column)} THEN {stored} ELSE {staged} END"
