"""Combine staged rows that have the same key, or report them as duplicates that contradict each other."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from django.db import connection
from django.db.backends.utils import CursorWrapper

from healthtrack.imports.columns.number_widgets import DecimalWidget, WholeNumberWidget
from healthtrack.imports.columns.plan import Column, DuplicateRows, Plan
from healthtrack.imports.row_errors import RowError
from healthtrack.imports.staging_tables import StagingTables
from healthtrack.imports.tables.sql import comma, compared_column, quoted, shown_column, staged_column

_MAX_LINES_NAMED = 5
_ROWS_PER_FETCH = 2000
_CONTRADICTION = "Appears more than once with different values. Keep one row."


def combine_duplicate_rows(
    plan: Plan, cursor: CursorWrapper, tables: StagingTables, report_errors: Callable[[Iterable[RowError]], None]
) -> int:
    """Leave one staged row for each key, by the plan's rule. Report an error for each row that contradicts another one.

    Return how many staged rows were combined from several. The rows that they were combined from stay in a table of
    their own, for the preview.
    """
    if not _copy_duplicates(plan, cursor, tables):
        cursor.execute(f"DROP TABLE {tables.duplicate_rows}")
        return 0
    if plan.duplicate_rows is DuplicateRows.ERROR:
        report_errors(_find_contradictions(plan, tables))
        _delete_contradictions(plan, cursor, tables)
    elif plan.duplicate_rows is DuplicateRows.MEAN and plan.values:
        _set_means(plan, cursor, tables)
    cursor.execute(f"""
        DELETE FROM {tables.rows} WHERE line IN (SELECT line FROM {tables.duplicate_rows} WHERE line <> result_line)
    """)  # noqa: S608 (our own names)
    return _store_results(plan, cursor, tables)


def _copy_duplicates(plan: Plan, cursor: CursorWrapper, tables: StagingTables) -> int:
    """Copy the rows whose key appears more than once, with the line of the one that remains. Return how many they are.

    They are few, so the costly queries read these alone.
    """
    keys = comma(compared_column(column) for column in plan.keys)
    function = "max" if plan.duplicate_rows is DuplicateRows.LAST else "min"
    cursor.execute(f"""
        CREATE TABLE {tables.duplicate_rows} AS
        SELECT line, {comma(map(staged_column, plan.columns))},
               {function}(line) OVER (PARTITION BY {keys}) AS result_line, false AS is_result
          FROM {tables.rows} AS rows
         WHERE ({keys}) IN (SELECT {keys} FROM {tables.rows} AS rows GROUP BY {keys} HAVING count(*) > 1)
    """)  # noqa: S608 (names from the plan)
    return int(cursor.rowcount)


def _set_means(plan: Plan, cursor: CursorWrapper, tables: StagingTables) -> None:
    """Give each remaining row the means of the numbers, rounded half up. Identical rows count once."""
    whole_row = comma(compared_column(column) for column in plan.columns)
    numbers = [column for column in plan.values if isinstance(column.widget, WholeNumberWidget | DecimalWidget)]
    names = [quoted(column.name) for column in numbers]
    cursor.execute(f"""
        UPDATE {tables.rows} AS rows SET {comma(f"{name} = combined.{name}" for name in names)}
          FROM (SELECT result_line, {comma(f"{_mean(column)} AS {quoted(column.name)}" for column in numbers)}
                  FROM (SELECT DISTINCT ON ({whole_row}) * FROM {tables.duplicate_rows} AS rows
                         ORDER BY {whole_row}, line) AS rows
                 GROUP BY result_line) AS combined
         WHERE rows.line = combined.result_line
    """)  # noqa: S608 (names from the plan)


def _mean(column: Column) -> str:
    places = 0 if isinstance(column.widget, WholeNumberWidget) else column.field.decimal_places  # type: ignore[attr-defined]  # a column of decimals
    return f"round(avg({staged_column(column)}), {places})"


def _store_results(plan: Plan, cursor: CursorWrapper, tables: StagingTables) -> int:
    """Store what the duplicates were combined into beside them. Return how many rows that are."""
    names = comma(quoted(column.name) for column in plan.columns)
    cursor.execute(f"""
        INSERT INTO {tables.duplicate_rows} (line, {names}, result_line, is_result)
        SELECT line, {names}, line, true FROM {tables.rows}
         WHERE line IN (SELECT result_line FROM {tables.duplicate_rows})
    """)  # noqa: S608 (names from the plan)
    results = int(cursor.rowcount)
    cursor.execute(f"CREATE INDEX ON {tables.duplicate_rows} (is_result, result_line, line)")
    return results


def _find_contradictions(plan: Plan, tables: StagingTables) -> Iterator[RowError]:
    """Return the errors through a cursor of the server, because each row of the largest file may have one."""
    differs = comma(
        f"count(DISTINCT {staged_column(column)}) > 1 OR count({staged_column(column)}) NOT IN (0, count(*))"
        for column in plan.values
    )
    key = shown_column(plan.keys[0], staged_column(plan.keys[0]))
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            f"""
            SELECT unnest(lines), first_lines, cardinality(lines), key, differs
              FROM (SELECT array_agg(line ORDER BY line) AS lines,
                           (array_agg(line ORDER BY line))[:%s] AS first_lines,
                           min({key}) AS key, ARRAY[{differs}] AS differs
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


def _delete_contradictions(plan: Plan, cursor: CursorWrapper, tables: StagingTables) -> None:
    """Delete the rows that contradict each other: they have errors."""
    cursor.execute(f"""
        WITH contradictory AS (
            SELECT result_line FROM {tables.duplicate_rows} AS rows GROUP BY result_line
            HAVING count(DISTINCT ({comma(map(staged_column, plan.values))})) > 1
        ), deleted AS (
            DELETE FROM {tables.duplicate_rows}
             WHERE result_line IN (SELECT result_line FROM contradictory) RETURNING line
        )
        DELETE FROM {tables.rows} WHERE line IN (SELECT line FROM deleted)
    """)  # noqa: S608 (names from the plan)
