"""Rows of tables that say less than a file: stored rows keep the values of absent columns, and new ones have none."""

from collections.abc import Mapping, Sequence

from healthtrack.imports.columns.plan import Column
from healthtrack.imports.reading.table import LINE
from healthtrack.imports.tables.sql import (
    comma,
    primary_key,
    quoted,
    staged_column,
    stored_column,
    table,
    target_matches,
)
from healthtrack.imports.tables.staging import StagedRows

_EMPTY = {"CharField": "''", "BooleanField": "false"}
_TERMS = r"array_remove(regexp_split_to_array(lower(btrim({})), '\s*,\s*'), '')"


def set_absent(rows: StagedRows, names: Sequence[str]) -> None:
    """Note which columns the rows have no values for, before the first row is staged."""
    if names:
        array = comma(f"'{name}'" for name in names)
        rows.cursor.execute(f"ALTER TABLE {rows.tables.rows} ALTER COLUMN absent SET DEFAULT ARRAY[{array}]")


def add_marks(rows: StagedRows, marks: Mapping[int, Sequence[str]]) -> None:
    """Set the marks of rows, by their lines."""
    if marks:
        rows.cursor.execute(
            f"""
            UPDATE {rows.tables.rows} AS rows SET marks = string_to_array(marked.marks, ' ')
              FROM unnest(%s::bigint[], %s::text[]) AS marked (line, marks) WHERE rows.{LINE} = marked.line
            """,  # noqa: S608 (our own names)
            [[*marks], [" ".join(each) for each in marks.values()]],
        )


def adopt_lists(rows: StagedRows, names: Sequence[str]) -> None:
    """Let rows take over stored lists that have the same terms as theirs, in whatever order and letter case."""
    for column in rows.plan.values:
        if column.name in names:
            staged, stored = (_TERMS.format(value) for value in (staged_column(column), stored_column(column)))
            rows.cursor.execute(f"""
                UPDATE {rows.tables.rows} AS rows SET {quoted(column.name)} = {stored_column(column)}
                  FROM {table(rows.plan.model)} AS target
                 WHERE {target_matches(rows.plan)} AND {staged_column(column)} <> {stored_column(column)}
                   AND {staged} @> {stored} AND {stored} @> {staged}
            """)  # noqa: S608 (names from the plan)


def fill_absent(rows: StagedRows) -> None:
    """Give absent columns the stored values, or none if no row is stored."""
    if not (columns := _list_absent(rows)):
        return
    key = primary_key(rows.plan.model)
    values = {
        column.name: f"CASE WHEN target.{key} IS NULL THEN {_get_empty(column)} ELSE {stored_column(column)} END"
        for column in columns
    }
    differ = " OR ".join(f"rows.{quoted(name)} IS DISTINCT FROM {value}" for name, value in values.items())
    rows.cursor.execute(f"""
        UPDATE {rows.tables.rows} AS rows
           SET {comma(f"{quoted(name)} = filled.{quoted(name)}" for name in values)}
          FROM (SELECT rows.{LINE}, {comma(f"{value} AS {quoted(name)}" for name, value in values.items())}
                  FROM {rows.tables.rows} AS rows LEFT JOIN {table(rows.plan.model)} AS target
                    ON {target_matches(rows.plan)}
                 WHERE {differ}) AS filled
         WHERE rows.{LINE} = filled.{LINE}
    """)  # noqa: S608 (names from the plan)


def _list_absent(rows: StagedRows) -> list[Column]:
    rows.cursor.execute(f"SELECT absent FROM {rows.tables.rows} LIMIT 1")  # noqa: S608 (a constant)
    names = (rows.cursor.fetchone() or [None])[0]
    return [column for column in rows.plan.values if column.name in (names or ())]


def _get_empty(column: Column) -> str:
    return _EMPTY.get(column.field.get_internal_type(), "NULL")
