"""Combine staged rows that have the same key, or report them as duplicates that contradict each other."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from django.db import connection
from django.db.backends.utils import CursorWrapper

from healthtrack.imports.plan import Column, DuplicateRows, Plan
from healthtrack.imports.row_errors import RowError
from healthtrack.imports.sql import comma, compared_column, quoted, staged_column
from healthtrack.imports.staging_tables import StagingTables
from healthtrack.imports.widgets import DecimalWidget, WholeNumberWidget

_MAX_LINES_NAMED = 5
_ROWS_PER_FETCH = 2000
_CONTRADICTION = "Appears more than once with different values. Keep one row."


def combine_duplicate_rows(
    plan: Plan, cursor: CursorWrapper, tables: StagingTables, report_errors: Callable[[Iterable[RowError]], None]
) -> None:
    """Leave one staged row for each key. Report an error for each row that contradicts another one."""
    if plan.duplicate_rows is DuplicateRows.MEAN:
        _combine_to_means(plan, cursor, tables)
        return
    _copy_duplicates(plan, cursor, tables)
    report_errors(_find_contradictions(plan, tables))
    _delete_duplicates(plan, cursor, tables)
    cursor.execute(f"DROP TABLE {tables.duplicate_rows}")


def _combine_to_means(plan: Plan, cursor: CursorWrapper, tables: StagingTables) -> None:
    """Combine the rows of each key to the means of their numbers, rounded half up. Identical rows count once."""
    whole_row = comma(compared_column(column) for column in plan.columns)
    names = comma(quoted(column.name) for column in plan.columns)
    cursor.execute(f"CREATE TABLE {tables.combined_rows} (LIKE {tables.rows} INCLUDING DEFAULTS)")
    cursor.execute(f"""
        INSERT INTO {tables.combined_rows} (line, {names})
        SELECT min(line), {comma(map(_combined_value, plan.columns))}
          FROM (SELECT DISTINCT ON ({whole_row}) * FROM {tables.rows} AS rows ORDER BY {whole_row}, line) AS rows
         GROUP BY {comma(compared_column(column) for column in plan.keys)}
    """)  # noqa: S608 (names from the plan)
    cursor.execute(f"DROP TABLE {tables.rows}")
    cursor.execute(f"ALTER TABLE {tables.combined_rows} RENAME TO {tables.rows.partition('.')[2]}")


def _combined_value(column: Column) -> str:
    match column.widget:
        case WholeNumberWidget():
            places = 0
        case DecimalWidget():
            places = column.field.decimal_places  # type: ignore[attr-defined]  # a column of decimals
        case _:
            return f"(array_agg({staged_column(column)} ORDER BY line))[1]"
    return f"round(avg({staged_column(column)}), {places})"


def _copy_duplicates(plan: Plan, cursor: CursorWrapper, tables: StagingTables) -> None:
    """Copy the rows whose key appears more than once. They are few, so the costly queries read these alone."""
    keys = comma(compared_column(column) for column in plan.keys)
    cursor.execute(f"""
        CREATE TABLE {tables.duplicate_rows} AS
        SELECT * FROM {tables.rows} AS rows
         WHERE ({keys}) IN (SELECT {keys} FROM {tables.rows} AS rows GROUP BY {keys} HAVING count(*) > 1)
    """)  # noqa: S608 (names from the plan)


def _find_contradictions(plan: Plan, tables: StagingTables) -> Iterator[RowError]:
    """Return the errors through a cursor of the server, because each row of the largest file may have one."""
    differs = comma(
        f"count(DISTINCT {staged_column(column)}) > 1 OR count({staged_column(column)}) NOT IN (0, count(*))"
        for column in plan.values
    )
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            f"""
            SELECT unnest(lines), first_lines, cardinality(lines), key, differs
              FROM (SELECT array_agg(line ORDER BY line) AS lines,
                           (array_agg(line ORDER BY line))[:%s] AS first_lines,
                           min({staged_column(plan.keys[0])}) AS key, ARRAY[{differs}] AS differs
                      FROM {tables.duplicate_rows} AS rows
                     GROUP BY {comma(compared_column(column) for column in plan.keys)}
                    HAVING count(DISTINCT ({comma(staged_column(column) for column in plan.values)})) > 1) AS groups
            """,  # noqa: S608 (names from the plan)
            [_MAX_LINES_NAMED + 1],
        )
        while rows := cursor.fetchmany(_ROWS_PER_FETCH):
            for line, first_lines, count, key, differing in rows:
                columns = [column.header for column, differ in zip(plan.values, differing, strict=True) if differ]
                other_lines = _name_other_lines(line, first_lines, count)
                reason = f"Also in {other_lines}, with a different {', '.join(columns)}. Keep one row."
                yield RowError(reason, line, plan.keys[0].header, str(key), kind=_CONTRADICTION)


def _name_other_lines(line: int, first_lines: Sequence[int], count: int) -> str:
    """Return the lines that an error names besides its own: at most five, and how many more there are."""
    named = [str(other) for other in first_lines if other != line][:_MAX_LINES_NAMED]
    more = count - 1 - len(named)
    return f"line{'s' if count > 2 else ''} {', '.join(named)}" + (f" and {more:,} more" if more else "")


def _delete_duplicates(plan: Plan, cursor: CursorWrapper, tables: StagingTables) -> None:
    """Leave the first of rows that are exactly alike, and none of those that contradict each other."""
    cursor.execute(f"""
        DELETE FROM {tables.rows} WHERE line IN (
            SELECT unnest(
                CASE WHEN count(DISTINCT ({comma(staged_column(column) for column in plan.values)})) > 1
                     THEN array_agg(line) ELSE (array_agg(line ORDER BY line))[2:] END)
              FROM {tables.duplicate_rows} AS rows
             GROUP BY {comma(compared_column(column) for column in plan.keys)})
    """)  # noqa: S608 (names from the plan)
