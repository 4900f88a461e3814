"""Combine staged rows that have the same key, or report them as duplicates that contradict each other."""

from django.db.backends.utils import CursorWrapper

from healthtrack.imports.plan import Column, DuplicateRows, Plan
from healthtrack.imports.row_errors import RowError
from healthtrack.imports.sql import comma, compared_column, quoted, staged_column
from healthtrack.imports.staging_tables import StagingTables
from healthtrack.imports.widgets import DecimalWidget, WholeNumberWidget

_MAX_LINES_NAMED = 5
_CONTRADICTION = "Appears more than once with different values. Keep one row."


def combine_duplicate_rows(plan: Plan, cursor: CursorWrapper, tables: StagingTables) -> list[RowError]:
    """Leave one staged row for each key. Return an error for each row that contradicts another one."""
    if plan.duplicate_rows is DuplicateRows.MEAN:
        _combine_to_means(plan, cursor, tables)
        return []
    _copy_duplicates(plan, cursor, tables)
    errors = _find_contradictions(plan, cursor, tables)
    _delete_duplicates(plan, cursor, tables)
    cursor.execute(f"DROP TABLE {tables.duplicate_rows}")
    return errors


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


def _find_contradictions(plan: Plan, cursor: CursorWrapper, tables: StagingTables) -> list[RowError]:
    differs = comma(
        f"count(DISTINCT {staged_column(column)}) > 1 OR count({staged_column(column)}) NOT IN (0, count(*))"
        for column in plan.values
    )
    cursor.execute(f"""
        SELECT array_agg(line ORDER BY line), min({staged_column(plan.keys[0])}), {differs}
          FROM {tables.duplicate_rows} AS rows
         GROUP BY {comma(compared_column(column) for column in plan.keys)}
        HAVING count(DISTINCT ({comma(staged_column(column) for column in plan.values)})) > 1
    """)  # noqa: S608 (names from the plan)
    return [
        error
        for lines, key, *differing in cursor.fetchall()
        for error in _describe_contradiction(plan, lines, str(key), differing)
    ]


def _describe_contradiction(plan: Plan, lines: list[int], key: str, differs: list[bool]) -> list[RowError]:
    columns = [column.header for column, differ in zip(plan.values, differs, strict=True) if differ]
    errors = []
    for line in lines:
        reason = f"Also in {_name_other_lines(lines, line)}, with a different {', '.join(columns)}. Keep one row."
        errors.append(RowError(reason, line, plan.keys[0].header, key, kind=_CONTRADICTION))
    return errors


def _name_other_lines(lines: list[int], line: int) -> str:
    """Return the lines that an error names besides its own: at most five, and how many more there are."""
    named = [str(other) for other in lines[: _MAX_LINES_NAMED + 1] if other != line][:_MAX_LINES_NAMED]
    more = len(lines) - 1 - len(named)
    return f"line{'s' if len(lines) > 2 else ''} {', '.join(named)}" + (f" and {more:,} more" if more else "")


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
