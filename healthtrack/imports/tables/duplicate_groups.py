"""Read the rows of a run that were combined, one page of groups at a time: each with its lines and the result."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.core.paginator import Page
from django.db import connection

from healthtrack.imports import staging_tables
from healthtrack.imports.columns.plan import Plan
from healthtrack.imports.models import ImportRun
from healthtrack.imports.tables.sql import comma, shown_column, staged_column

MAX_LINES = 20  # of a group


@dataclass(frozen=True)
class DuplicateCell:
    """A value, the header of its column, and whether the rows of its group differ in it."""

    header: str
    value: object
    differs: bool


@dataclass(frozen=True)
class DuplicateRow:
    """A row of the file, or without a line the result."""

    line: int | None
    cells: Sequence[DuplicateCell]


@dataclass(frozen=True)
class DuplicateGroup:
    """The first rows that were combined, how many more there are, and the result."""

    rows: Sequence[DuplicateRow]
    more: int
    result: DuplicateRow


def has_groups(run: ImportRun) -> bool:
    """Return whether the rows that were combined are still stored."""
    return staging_tables.exists(staging_tables.find(run.run_id).duplicate_rows)


def fetch_groups(run: ImportRun, plan: Plan, page: Page[int]) -> list[DuplicateGroup]:
    """Return a page of the groups, in the order of the lines that remain."""
    table = staging_tables.find(run.run_id).duplicate_rows
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT * FROM (
                SELECT result_line, is_result, line, count(*) OVER (PARTITION BY result_line) - 1 AS lines,
                       row_number() OVER (PARTITION BY result_line, is_result ORDER BY line) AS place,
                       {comma(shown_column(each, staged_column(each)) for each in plan.columns)}
                  FROM {table} AS rows
                 WHERE result_line IN (SELECT result_line FROM {table} WHERE is_result
                                        ORDER BY result_line OFFSET %s LIMIT %s)) AS shown
             WHERE place <= %s ORDER BY result_line, is_result, line
            """,  # noqa: S608 (names from the plan)
            [max(page.start_index() - 1, 0), len(page), MAX_LINES],
        )
        found = cursor.fetchall()
    return [_make_group(plan, list(rows)) for _, rows in groupby(found, key=lambda row: row[0])]


def _make_group(plan: Plan, found: Sequence[Sequence[Any]]) -> DuplicateGroup:
    values = [row[5:] for row in found]
    differs = [len(set(column)) > 1 for column in zip(*values[:-1], strict=True)]
    *rows, result = (
        DuplicateRow(
            None if is_result else line,
            [
                DuplicateCell(column.header, column.widget.render(value), differ)
                for column, value, differ in zip(plan.columns, cells, differs, strict=True)
            ],
        )
        for _, is_result, line, _, _, *cells in found
    )
    return DuplicateGroup(rows, found[0][3] - len(rows), result)
