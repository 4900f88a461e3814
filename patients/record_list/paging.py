"""Get one page of a list that may have a million rows, fast at both ends.

A database can only estimate how many rows a filter or search finds, and does not know where they are in a given order.
For a query with both, it may go through the whole index of the order and test every row. So the first query gets a
limited number of rows in no order. If there are more, the next one looks for them among the first or last rows of the
order. Only if these are too few, a query sorts all rows that match.
"""

import json
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import Model, OrderBy, QuerySet

from healthtrack.core.database.planner_settings import planner_settings
from healthtrack.core.replicas.routing import reading

MAX_ROWS_COUNTED = 10_000
MAX_TABLE_ROWS_COUNTED = 200_000
SAMPLE_ROWS = 2000
NO_LIMIT = 10**12
LAST = -1  # pages counted from the end, in a list of unknown length, have negative numbers
MAX_PAGE = 10_000_000


@dataclass(frozen=True)
class Total:
    """The number of rows of a list. `qualifier` is "about" or "more than" if it is not exact."""

    rows: int
    qualifier: str = ""

    @property
    def is_exact(self) -> bool:
        return not self.qualifier


@dataclass(frozen=True)
class ListedRows:
    """The rows of a list.

    `found` selects and orders them. `indexed` has them in an order with an index, which is used if there are too many
    to sort. `shown` gives the rows themselves, and may annotate and prefetch more.
    """

    found: QuerySet[Any]
    indexed: QuerySet[Any]
    shown: QuerySet[Any]


@dataclass(frozen=True)
class RowPage:
    """The rows of one page. `number` is negative if it counts from the end; `count`, of pages, is None if unknown."""

    rows: list[Any]
    number: int
    total: Total
    is_first: bool
    is_last: bool
    count: int | None = None
    is_short: bool = True  # the rows can be sorted by a column without an index

    @property
    def previous(self) -> int | None:
        return None if self.is_first else self.number - 1

    @property
    def next(self) -> int | None:
        return None if self.is_last else self.number + 1

    @property
    def from_end(self) -> int:
        return -self.number if self.number < 0 else 0


def get_row_page(rows: ListedRows, number: int, size: int, *, is_counted: bool) -> RowPage:
    """Return a page of the rows, or the nearest page if there is none of this number.

    With `is_counted` the total is exact, however long counting takes.
    """
    found, shown = rows.found, rows.shown
    number = max(-MAX_PAGE, min(number, MAX_PAGE)) or 1
    some = _get_few_keys(found)
    if some is not None:
        total, is_short = Total(len(some)), True
    else:
        estimate = _estimate_rows(found.model)
        is_short = estimate <= MAX_TABLE_ROWS_COUNTED
        found = found if is_short else rows.indexed
        total = _get_total_of_many(found, estimate, is_counted=is_counted)
    if not total.is_exact:
        return _get_uncounted_page(found, shown, number, size, total)
    pages = max(1, -(-total.rows // size))
    number = min(max(number if number > 0 else pages + 1 + number, 1), pages)
    start = (number - 1) * size
    if some is not None:
        keys = some[start : start + size]
    elif start <= total.rows // 2:
        keys = _get_keys(found, start, start + size)
    else:
        stop = total.rows - start
        keys = _get_keys(found.reverse(), max(0, stop - size), stop)[::-1]
    ends = {"is_first": number == 1, "is_last": number == pages}
    return RowPage(_load_rows(shown, keys), number, total, **ends, count=pages, is_short=is_short)


def _get_uncounted_page(found: QuerySet[Any], shown: QuerySet[Any], number: int, size: int, total: Total) -> RowPage:
    start = (abs(number) - 1) * size
    keys = _get_keys(found if number > 0 else found.reverse(), start, start + size + 1)
    if not keys and number not in {1, LAST}:
        return _get_uncounted_page(found, shown, LAST if number > 0 else 1, size, total)
    is_end, keys = len(keys) <= size, keys[:size]
    if number > 0:
        return RowPage(_load_rows(shown, keys), number, total, is_first=number == 1, is_last=is_end, is_short=False)
    rows = _load_rows(shown, keys[::-1])
    return RowPage(rows, number, total, is_first=is_end, is_last=number == LAST, is_short=False)


def _load_rows(shown: QuerySet[Any], keys: list[Any]) -> list[Any]:
    rows = shown.in_bulk(keys)
    return [rows[key] for key in keys if key in rows]


def _estimate_rows(model: type[Model]) -> int:
    """Return how many rows the table has, as the database estimates it."""
    (plan,) = json.loads(model._default_manager.order_by().explain(format="json"))
    rows: int = plan["Plan"]["Plan Rows"]
    return rows


def _get_total_of_many(found: QuerySet[Any], estimate: int, *, is_counted: bool) -> Total:
    if is_counted or estimate <= MAX_TABLE_ROWS_COUNTED:
        return Total(_count(found))
    if found.query.where:
        return Total(MAX_ROWS_COUNTED, "more than")
    return Total(int(float(f"{estimate:.3g}")), "about")


def _count(found: QuerySet[Any]) -> int:
    """Count the rows with a scan of whole tables: row by row through an index takes several times as long."""
    with planner_settings(reading(), enable_nestloop="off", work_mem="64MB"):
        return found.count()


def _get_keys(found: QuerySet[Any], start: int, stop: int) -> list[Any]:
    if not found.query.where:
        return list(found.values_list("pk", flat=True)[start:stop])
    first = found.model._default_manager.order_by(*_order(found)).values("pk")[:SAMPLE_ROWS]
    keys = _get_sorted_keys(found.filter(pk__in=first), SAMPLE_ROWS, start, stop)
    return keys if len(keys) == stop - start else _get_sorted_keys(found, NO_LIMIT, start, stop)


def _order(found: QuerySet[Any]) -> list[OrderBy]:
    parts: Any = found.query.order_by
    return list(parts) if found.query.standard_ordering else [_reverse(part) for part in parts]


def _get_few_keys(found: QuerySet[Any]) -> list[Any] | None:
    """Return the keys of all rows; None if there are more than MAX_ROWS_COUNTED, which are then not sorted."""
    try:
        sql, parameters, order = _build_unsorted(found, MAX_ROWS_COUNTED + 1)
    except EmptyResultSet:
        return []
    with reading().cursor() as cursor:
        cursor.execute(
            f"WITH found AS MATERIALIZED ({sql}), total AS (SELECT count(*) AS rows FROM found) "  # noqa: S608 (Django's own SQL)
            f"SELECT rows, ARRAY(SELECT pk FROM found WHERE rows <= %s ORDER BY {order}) FROM total",
            [*parameters, MAX_ROWS_COUNTED],
        )
        rows, keys = cursor.fetchone()
    return keys if rows <= MAX_ROWS_COUNTED else None


def _get_sorted_keys(found: QuerySet[Any], limit: int, start: int, stop: int) -> list[Any]:
    """Return the keys between two positions, of at most `limit` rows.

    The rows are found before they are sorted, so the database does not go along the index of the order.
    """
    try:
        sql, parameters, order = _build_unsorted(found, limit)
    except EmptyResultSet:
        return []
    with reading().cursor() as cursor:
        ordered = f"SELECT pk FROM ({sql}) AS found ORDER BY {order} LIMIT %s OFFSET %s"  # noqa: S608 (Django's own SQL)
        cursor.execute(ordered, [*parameters, stop - start, start])
        return [key for (key,) in cursor.fetchall()]


def _build_unsorted(found: QuerySet[Any], limit: int) -> tuple[str, tuple[Any, ...], str]:
    """Return SQL for the keys of some of the rows, with what they are sorted by, its parameters, and the order."""
    order = _order(found)
    columns: dict[str, Any] = {f"by_{place}": part.expression for place, part in enumerate(order)}
    unsorted = found.order_by().annotate(**columns).values_list("pk", *columns)[:limit]
    sql, parameters = unsorted.query.sql_with_params()
    by = ", ".join(f"{column} {_direction(part)}" for column, part in zip(columns, order, strict=True))
    return sql, parameters, by


def _direction(part: OrderBy) -> str:
    nulls = " NULLS FIRST" if part.nulls_first else " NULLS LAST" if part.nulls_last else ""
    return ("DESC" if part.descending else "ASC") + nulls


def _reverse(part: OrderBy) -> OrderBy:
    reversed_part = part.copy()
    reversed_part.reverse_ordering()
    return reversed_part
