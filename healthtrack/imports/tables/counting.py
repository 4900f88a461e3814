"""Count the compared rows of a run: what an import would write, and what it would hold back."""

from django.db.models import Model

from healthtrack.imports.results import TableCounts, TabularResult
from healthtrack.imports.row_warnings import WARNING
from healthtrack.imports.tables.sql import comma, compared_column
from healthtrack.imports.tables.staging import StagedRows


def count_rows(rows: StagedRows) -> TabularResult:
    """Return the counts of each table, of each outcome and of each kind of warning."""
    rows.cursor.execute(f"""
        SELECT outcome, target IS NULL, outcome = '{WARNING}' AND {rows.decisions.is_held}, count(*)
          FROM {rows.tables.rows} AS rows GROUP BY 1, 2, 3
    """)  # noqa: S608 (kinds that resources declare)
    listed: dict[str, int] = {}
    written = {"new": 0, "changed": 0, "unchanged": 0, "held": 0}
    for outcome, is_new, is_held, count in rows.cursor.fetchall():
        listed[outcome] = listed.get(outcome, 0) + count
        accepted = "new" if is_new else "changed"
        written["held" if is_held else accepted if outcome == WARNING else outcome] += count
    warnings, held = _count_warnings(rows) if WARNING in listed else ({}, {})
    tables = [*_count_parents(rows), _make_counts(rows.plan.model, **written)]
    return TabularResult(tables, listed=listed, warnings=warnings, held=held)


def _count_warnings(rows: StagedRows) -> tuple[dict[str, int], dict[str, int]]:
    """Return how many rows each kind of warning has, and how many of them it holds back. A row may have several."""
    rows.cursor.execute(f"""
        SELECT kind, count(*), count(*) FILTER (WHERE {rows.decisions.is_held} AND {rows.decisions.holds_kind})
          FROM {rows.tables.rows} AS rows, unnest(rows.warnings) AS kind
         WHERE outcome = '{WARNING}' GROUP BY kind
    """)  # noqa: S608 (kinds that resources declare)
    found = rows.cursor.fetchall()
    return {kind: count for kind, count, _ in found}, {kind: held for kind, _, held in found if held}


def _count_parents(rows: StagedRows) -> list[TableCounts]:
    """Return the counts of the table that the rows refer to, if any."""
    if not rows.plan.parent:
        return []
    rows.cursor.execute(f"""
        SELECT count(*) FILTER (WHERE parent IS NULL), count(*) FILTER (WHERE parent IS NOT NULL)
          FROM (SELECT DISTINCT parent, {comma(map(compared_column, rows.plan.parent_columns))}
                  FROM {rows.tables.rows} AS rows WHERE {rows.decisions.is_written}) AS parents
    """)  # noqa: S608 (names from the plan, and kinds that resources declare)
    new, unchanged = rows.cursor.fetchone()
    return [_make_counts(rows.plan.parent.model, new=new, unchanged=unchanged)]


def _make_counts(model: type[Model], **counts: int) -> TableCounts:
    return TableCounts(model._meta.db_table, str(model._meta.verbose_name_plural), **counts)
