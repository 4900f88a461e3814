"""What the pages of a run show of its staging area, a page at a time however many rows there are."""

from collections.abc import Iterable, Iterator, Sequence

from django.core.paginator import Page
from django.db import transaction

from healthtrack.imports.models import ImportRun
from healthtrack.imports.plan import Column, Plan
from healthtrack.imports.reading.table import LINE
from healthtrack.imports.results import Cell, StagedRow
from healthtrack.imports.row_errors import Fault
from healthtrack.imports.sql import STAGED, comma, staged, stored, stored_rows
from healthtrack.imports.staged_errors import FAULTS, FAULTY_ROWS
from healthtrack.imports.staging_schema import StagingArea

_ROWS_A_FETCH = 2000
_OF_KIND = "(%s = '' OR header = %s) AND (%s = '' OR kind = %s)"
_Values = Sequence[object]


def row_page(run: ImportRun, plan: Plan, outcome: str, page: Page[int]) -> list[StagedRow]:
    """The rows of an outcome in the file's order, with the stored values beside the new."""
    direction, skipped = _shorter_way(page)
    rows = _rows(
        run,
        STAGED,
        f"""
        SELECT rows.{LINE}, {comma(map(staged, plan.columns))}, {comma(map(stored, plan.columns))}
          FROM (SELECT * FROM {STAGED} WHERE outcome = %s ORDER BY {LINE} {direction} OFFSET %s LIMIT %s) AS rows
               {stored_rows(plan)}
         ORDER BY rows.{LINE}
        """,
        [outcome, skipped, len(page)],
    )
    return [_staged_row(plan.columns, row) for row in rows]


def count_faults(run: ImportRun, column: str = "", kind: str = "") -> int:
    counts = _rows(run, FAULTS, f"SELECT count(*) FROM {FAULTS} WHERE {_OF_KIND}", [column, column, kind, kind])
    return sum(int(str(count)) for (count,) in counts)


def fault_page(run: ImportRun, page: Page[int], column: str = "", kind: str = "") -> list[Fault]:
    """Faults in the file's order: all, or those of a column or kind."""
    direction, skipped = _shorter_way(page)
    rows = _rows(
        run,
        FAULTS,
        f"""
        SELECT * FROM (
            SELECT reason, line, header, value, kind, place FROM {FAULTS} WHERE {_OF_KIND}
             ORDER BY line {direction}, place {direction} OFFSET %s LIMIT %s) AS faults
         ORDER BY line, place
        """,
        [column, column, kind, kind, skipped, len(page)],
    )
    return list(_as_faults(rows))


def has_faults(run: ImportRun) -> bool:
    """Return whether the run has found errors, and still keeps them."""
    return run.error_count > 0 and StagingArea(run.run_id).holds(FAULTS)


def faults(run: ImportRun) -> Iterator[Fault]:
    """All of them, in the file's order."""
    return _as_faults(
        _rows(run, FAULTS, f"SELECT reason, line, header, value, kind FROM {FAULTS} ORDER BY line NULLS FIRST, place")
    )


def faulty_rows(run: ImportRun) -> Iterator[tuple[list[str], list[str]]]:
    """The cells of the file's header, and of each faulty row as they stood, with what is wrong."""
    rows = _rows(
        run,
        FAULTY_ROWS,
        f"""
        SELECT cells, ARRAY(SELECT concat_ws(': ', nullif(header, ''), reason) FROM {FAULTS} AS fault
                             WHERE fault.line = rows.line ORDER BY place)
          FROM {FAULTY_ROWS} AS rows ORDER BY line
        """,
    )
    return ((list(cells), list(reasons)) for cells, reasons in rows)  # type: ignore[call-overload]


def _rows(run: ImportRun, table: str, query: str, values: Sequence[str | int] = ()) -> Iterator[_Values]:
    """None when the run has let go of the table meanwhile."""
    area = StagingArea(run.run_id)
    with transaction.atomic():
        if not area.holds(table):
            return
        with area.entered() as cursor:
            cursor.execute(query, values)
            while rows := cursor.fetchmany(_ROWS_A_FETCH):
                yield from rows


def _as_faults(rows: Iterable[_Values]) -> Iterator[Fault]:
    for reason, line, header, value, kind, *_ in rows:
        yield Fault(str(reason), line, header or "", value, kind=str(kind))  # type: ignore[arg-type]


def _staged_row(columns: Sequence[Column], row: _Values) -> StagedRow:
    line, *values = row
    cells = zip(columns, values[: len(columns)], values[len(columns) :], strict=True)
    return StagedRow(int(str(line)), [_cell(*cell) for cell in cells])


def _cell(column: Column, value: object, old: object) -> Cell:
    render = column.widget.render
    return Cell(render(value), render(old), changed=not column.is_key and value != old)


def _shorter_way(page: Page[int]) -> tuple[str, int]:
    """From the nearer end to a page: the direction, and how many rows are passed over."""
    before, after = page.start_index() - 1, page.paginator.count - page.end_index()
    return ("ASC", max(before, 0)) if before <= after else ("DESC", after)
