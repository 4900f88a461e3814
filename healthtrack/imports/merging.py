"""What it means that several staged rows have one key."""

from django.db.backends.utils import CursorWrapper

from healthtrack.imports.plan import Column, Plan, RepeatedRows
from healthtrack.imports.row_errors import Fault
from healthtrack.imports.sql import STAGED, comma, folded, quoted, staged
from healthtrack.imports.widgets import DecimalWidget, WholeNumberWidget

_REPEATED = "repeated_rows"
_LINES_NAMED = 5
_CONTRADICTED = "stands in several lines that differ; keep one of these rows"


def merge_repeated_rows(plan: Plan, cursor: CursorWrapper) -> list[Fault]:
    """Leaves one staged row for each key; the faults are those of rows that contradict each other."""
    if plan.repeated_rows is RepeatedRows.MEAN:
        _merge_to_means(plan, cursor)
        return []
    _set_repeated_apart(plan, cursor)
    faults = _contradictions(plan, cursor)
    _drop_repeated(plan, cursor)
    cursor.execute(f"DROP TABLE {_REPEATED}")
    return faults


def _merge_to_means(plan: Plan, cursor: CursorWrapper) -> None:
    """Rows that repeat exactly count once; of the others the known numbers' means are kept, rounded half up."""
    whole_row = comma(folded(column) for column in plan.columns)
    names = comma(quoted(column.name) for column in plan.columns)
    cursor.execute(f"CREATE TABLE merged_rows (LIKE {STAGED} INCLUDING DEFAULTS)")
    cursor.execute(f"""
        INSERT INTO merged_rows (line, {names})
        SELECT min(line), {comma(map(_merged, plan.columns))}
          FROM (SELECT DISTINCT ON ({whole_row}) * FROM {STAGED} AS rows ORDER BY {whole_row}, line) AS rows
         GROUP BY {comma(folded(column) for column in plan.keys)}
    """)  # noqa: S608 (names from the plan)
    cursor.execute(f"DROP TABLE {STAGED}")
    cursor.execute(f"ALTER TABLE merged_rows RENAME TO {STAGED}")


def _merged(column: Column) -> str:
    match column.widget:
        case WholeNumberWidget():
            places = 0
        case DecimalWidget():
            places = column.field.decimal_places  # type: ignore[attr-defined]
        case _:
            return f"(array_agg({staged(column)} ORDER BY line))[1]"
    return f"round(avg({staged(column)}), {places})"


def _set_repeated_apart(plan: Plan, cursor: CursorWrapper) -> None:
    """Few rows of a file repeat, so they are found once and the costly questions asked of them alone."""
    keys = comma(folded(column) for column in plan.keys)
    cursor.execute(f"""
        CREATE TABLE {_REPEATED} AS
        SELECT * FROM {STAGED} AS rows
         WHERE ({keys}) IN (SELECT {keys} FROM {STAGED} AS rows GROUP BY {keys} HAVING count(*) > 1)
    """)  # noqa: S608 (names from the plan)


def _contradictions(plan: Plan, cursor: CursorWrapper) -> list[Fault]:
    differs = comma(
        f"count(DISTINCT {staged(column)}) > 1 OR count({staged(column)}) NOT IN (0, count(*))"
        for column in plan.values
    )
    cursor.execute(f"""
        SELECT array_agg(line ORDER BY line), min({staged(plan.keys[0])}), {differs}
          FROM {_REPEATED} AS rows
         GROUP BY {comma(folded(column) for column in plan.keys)}
        HAVING count(DISTINCT ({comma(staged(column) for column in plan.values)})) > 1
    """)  # noqa: S608 (names from the plan)
    return [
        fault
        for lines, key, *differing in cursor.fetchall()
        for fault in _contradiction(plan, lines, str(key), differing)
    ]


def _contradiction(plan: Plan, lines: list[int], key: str, differs: list[bool]) -> list[Fault]:
    columns = [column.header for column, differ in zip(plan.values, differs, strict=True) if differ]
    faults = []
    for line in lines:
        reason = f"stands in {_others(lines, line)} too, with another {', '.join(columns)}; keep one of these rows"
        faults.append(Fault(reason, line, plan.keys[0].header, key, kind=_CONTRADICTED))
    return faults


def _others(lines: list[int], line: int) -> str:
    """The lines that a fault names besides its own: of very many the first few."""
    named = [str(other) for other in lines[: _LINES_NAMED + 1] if other != line][:_LINES_NAMED]
    more = len(lines) - 1 - len(named)
    return f"line{'s' if len(lines) > 2 else ''} {', '.join(named)}" + (f" and {more:,} more" if more else "")


def _drop_repeated(plan: Plan, cursor: CursorWrapper) -> None:
    """Keeps the first of the rows that repeat exactly, and none of those that contradict each other."""
    cursor.execute(f"""
        DELETE FROM {STAGED} WHERE line IN (
            SELECT unnest(
                CASE WHEN count(DISTINCT ({comma(staged(column) for column in plan.values)})) > 1
                     THEN array_agg(line) ELSE (array_agg(line ORDER BY line))[2:] END)
              FROM {_REPEATED} AS rows
             GROUP BY {comma(folded(column) for column in plan.keys)})
    """)  # noqa: S608 (names from the plan)
