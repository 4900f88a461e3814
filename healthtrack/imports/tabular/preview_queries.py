"""Read the staged rows and errors of a run, one page at a time, however many there are."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.core.paginator import Page
from django.db import connection, transaction

from healthtrack.core.cleaning import clean_key
from healthtrack.core.downloads.formula_escaping import restore_formula
from healthtrack.imports import staging_tables
from healthtrack.imports.columns.plan import Column, Plan
from healthtrack.imports.detection.columns import match_header
from healthtrack.imports.detection.reading import FileReading
from healthtrack.imports.models import ImportRun
from healthtrack.imports.reading.table import LINE
from healthtrack.imports.reading_plans import ReadingPlan
from healthtrack.imports.results import Cell, StagedRow
from healthtrack.imports.row_errors import RowError
from healthtrack.imports.row_warnings import WARNING
from healthtrack.imports.tables.sql import comma, join_stored_rows, shown_column, staged_column, stored_column

_ROWS_PER_FETCH = 2000
_MATCHES_FILTER = "(%s = '' OR header = %s) AND (%s = '' OR kind = %s)"
# Tables that an earlier version made have no column `source`.
_ERROR = "reason, line, header, value, kind, to_jsonb(error) ->> 'source'"
_Values = Sequence[object]


@dataclass(frozen=True)
class RowFilter:
    """A condition on staged rows, with the values of its placeholders."""

    condition: str
    values: Sequence[str] = ()
    # Whether to read the warnings: tables that an earlier version staged have none.
    has_warnings: bool = False


STALE_ROWS = RowFilter("is_stale", has_warnings=True)


def filter_by_warning(kind: str) -> RowFilter:
    return RowFilter(f"outcome = '{WARNING}' AND warnings @> ARRAY[%s]::text[]", [kind], has_warnings=True)


def filter_by_outcome(outcome: str) -> RowFilter:
    return RowFilter("outcome = %s", [outcome])


def fetch_row_page(run: ImportRun, plan: Plan, chosen: RowFilter, page: Page[int]) -> list[StagedRow]:
    """Return a page of the chosen rows, in the file's order, with the stored values beside the new ones."""
    tables = staging_tables.find(run.run_id)
    direction, skipped = _choose_direction(page)
    warnings = "rows.warnings, rows.accepted" if chosen.has_warnings else "NULL, false"
    rows = _rows(
        tables.rows,
        f"""
        SELECT rows.{LINE}, rows.outcome, rows.target IS NOT NULL, {warnings},
               {comma(shown_column(each, staged_column(each)) for each in plan.columns)},
               {comma(shown_column(each, stored_column(each)) for each in plan.columns)}
          FROM (SELECT * FROM {tables.rows}
                 WHERE {chosen.condition} ORDER BY {LINE} {direction} OFFSET %s LIMIT %s) AS rows
               {join_stored_rows(plan)}
         ORDER BY rows.{LINE}
        """,  # noqa: S608 (our own names)
        [*chosen.values, skipped, len(page)],
    )
    return [_staged_row(plan.columns, row) for row in rows]


def count_errors(run: ImportRun, column: str = "", kind: str = "") -> int:
    """Return the number of errors: all, or those of a column, a kind, or both."""
    tables = staging_tables.find(run.run_id)
    query = f"SELECT count(*) FROM {tables.errors} WHERE {_MATCHES_FILTER}"  # noqa: S608 (our own names)
    counts = _rows(tables.errors, query, [column, column, kind, kind])
    return sum(int(str(count)) for (count,) in counts)


def fetch_error_page(run: ImportRun, page: Page[int], column: str = "", kind: str = "") -> list[RowError]:
    """Return a page of the errors in the file's order: of all, or of those of a column, a kind, or both."""
    tables = staging_tables.find(run.run_id)
    direction, skipped = _choose_direction(page)
    rows = _rows(
        tables.errors,
        f"""
        SELECT * FROM (
            SELECT {_ERROR}, place FROM {tables.errors} AS error WHERE {_MATCHES_FILTER}
             ORDER BY line {direction}, place {direction} OFFSET %s LIMIT %s) AS errors
         ORDER BY line, place
        """,  # noqa: S608 (our own names)
        [column, column, kind, kind, skipped, len(page)],
    )
    return list(_as_errors(rows))


def has_errors(run: ImportRun) -> bool:
    """Return whether the run has found errors, and they are still stored."""
    return run.error_count > 0 and staging_tables.exists(staging_tables.find(run.run_id).errors)


def iterate_errors(run: ImportRun) -> Iterator[RowError]:
    """Return all errors, in the file's order."""
    tables = staging_tables.find(run.run_id)
    query = f"SELECT {_ERROR} FROM {tables.errors} AS error ORDER BY line NULLS FIRST, place"  # noqa: S608 (our own names)
    return _as_errors(_rows(tables.errors, query))


def iterate_invalid_rows(run: ImportRun) -> Iterator[tuple[list[str], list[str]]]:
    """Return the cells of the file's header, then those of each invalid row, with the reasons of its errors."""
    tables = staging_tables.find(run.run_id)
    rows = _rows(
        tables.invalid_rows,
        f"""
        SELECT cells, ARRAY(SELECT concat_ws(': ', nullif(header, ''), reason) FROM {tables.errors} AS error
                             WHERE error.line = rows.line ORDER BY place)
          FROM {tables.invalid_rows} AS rows ORDER BY line
        """,  # noqa: S608 (our own names)
    )
    return ((_texts(cells), _texts(reasons)) for cells, reasons in rows)


def iterate_invalid_values(run: ImportRun, column: Column) -> Iterator[str]:
    """Return the texts that invalid rows have in a text column, as it would store them if it can."""
    tables = staging_tables.find(run.run_id)
    rows = _rows(tables.invalid_rows, f"SELECT cells FROM {tables.invalid_rows} ORDER BY line")  # noqa: S608 (a constant)
    header, *_ = next(rows, ([],))
    fields = FileReading.of(ReadingPlan.from_json(run.plan)).fields or match_header(_texts(header), [column]).fields
    places = [place for place, name in fields.items() if name == column.name]
    for cells, *_ in rows:
        for text in (text for place, text in enumerate(_texts(cells)) if place in places):
            value = restore_formula(clean_key(text))
            if value and len(value) <= (getattr(column.field, "target_field", column.field).max_length or 0):
                yield value


def _rows(table: str, query: str, values: Sequence[str | int] = ()) -> Iterator[_Values]:
    """Return the rows of a query, or none if the run has meanwhile dropped the table.

    They come through a cursor of the server, because a download may have millions.
    """
    with transaction.atomic():
        if not staging_tables.exists(table):
            return
        with connection.chunked_cursor() as cursor:
            cursor.execute(query, values)
            while rows := cursor.fetchmany(_ROWS_PER_FETCH):
                yield from rows


def _texts(cells: object) -> list[str]:
    return list(cells)  # type: ignore[call-overload,no-any-return]  # an array


def _as_errors(rows: Iterable[_Values]) -> Iterator[RowError]:
    for reason, line, header, value, kind, source, *_ in rows:
        yield RowError(str(reason), line, header or "", value, kind=str(kind), source=source or "")  # type: ignore[arg-type]  # a line number or None


def _staged_row(columns: Sequence[Column], row: _Values) -> StagedRow:
    line, outcome, is_stored, warnings, accepted, *values = row
    new, old = values[: len(columns)], values[len(columns) :]
    is_change = bool(is_stored) and outcome in {"changed", WARNING}
    cells = [_cell(*cell, is_change=is_change) for cell in zip(columns, new, old, strict=True)]
    kinds = [] if warnings is None else _texts(warnings)
    return StagedRow(int(str(line)), str(outcome), cells, kinds, bool(accepted))


def _cell(column: Column, value: object, old: object, *, is_change: bool) -> Cell:
    render = column.widget.render
    return Cell(column.header, render(value), render(old), changed=is_change and not column.is_key and value != old)


def _choose_direction(page: Page[int]) -> tuple[str, int]:
    """Return the sort direction in which fewer rows come before the page, and how many these are."""
    before, after = page.start_index() - 1, page.paginator.count - page.end_index()
    return ("ASC", max(before, 0)) if before <= after else ("DESC", after)
