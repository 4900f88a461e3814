"""A page of a list that may have a million rows, quick at both ends.

How many rows a filter or a search finds, a database only guesses, and where they stand in an order it does not know:
asked for a page in one go, it may walk along the whole index of the order and try every row. So it is first asked for
a bounded number of rows in no order; when there are more, for those among the first or last rows of the order; and
when these are too few, for all, sorted.
"""

import json
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import OrderBy, QuerySet

MOST_ROWS_COUNTED = 10_000
TABLE_SOON_COUNTED = 200_000
ROWS_TRIED = 2000
ANY_NUMBER = 10**12
LAST = -1  # the pages from the end of an uncounted list have numbers below zero
FARTHEST = 10_000_000


@dataclass(frozen=True)
class Total:
    rows: int
    told: str = ""  # "about", or "more than"

    @property
    def is_exact(self) -> bool:
        return not self.told


@dataclass(frozen=True)
class RowPage:
    rows: list[Any]
    number: int
    total: Total
    is_first: bool
    is_last: bool
    count: int | None = None

    @property
    def previous(self) -> int | None:
        return None if self.is_first else self.number - 1

    @property
    def next(self) -> int | None:
        return None if self.is_last else self.number + 1

    @property
    def from_end(self) -> int:
        return -self.number if self.number < 0 else 0


def page_of(found: QuerySet[Any], shown: QuerySet[Any], asked: int, size: int, *, is_counted: bool) -> RowPage:
    """The page of the rows found, in their order, with what is shown of them; the nearest to one that is not there."""
    asked = max(-FARTHEST, min(asked, FARTHEST)) or 1
    some = _sorted(found, MOST_ROWS_COUNTED + 1)
    total = Total(len(some)) if len(some) <= MOST_ROWS_COUNTED else _total_of_many(found, is_counted=is_counted)
    if not total.is_exact:
        return _uncounted_page(found, shown, asked, size, total)
    pages = max(1, -(-total.rows // size))
    number = min(max(asked if asked > 0 else pages + 1 + asked, 1), pages)
    start = (number - 1) * size
    if len(some) <= MOST_ROWS_COUNTED:
        keys = some[start : start + size]
    elif start <= total.rows // 2:
        keys = _keys_between(found, start, start + size)
    else:
        stop = total.rows - start
        keys = _keys_between(found.reverse(), max(0, stop - size), stop)[::-1]
    return RowPage(_rows(shown, keys), number, total, is_first=number == 1, is_last=number == pages, count=pages)


def _uncounted_page(found: QuerySet[Any], shown: QuerySet[Any], number: int, size: int, total: Total) -> RowPage:
    start = (abs(number) - 1) * size
    keys = _keys_between(found if number > 0 else found.reverse(), start, start + size + 1)
    if not keys and number not in {1, LAST}:
        return _uncounted_page(found, shown, LAST if number > 0 else 1, size, total)
    is_end, keys = len(keys) <= size, keys[:size]
    if number > 0:
        return RowPage(_rows(shown, keys), number, total, is_first=number == 1, is_last=is_end)
    return RowPage(_rows(shown, keys[::-1]), number, total, is_first=is_end, is_last=number == LAST)


def _rows(shown: QuerySet[Any], keys: list[Any]) -> list[Any]:
    rows = shown.in_bulk(keys)
    return [rows[key] for key in keys if key in rows]


def _total_of_many(found: QuerySet[Any], *, is_counted: bool) -> Total:
    everybody = found.model._default_manager.order_by()
    (plan,) = json.loads(everybody.explain(format="json"))
    estimate = plan["Plan"]["Plan Rows"]
    if is_counted or estimate <= TABLE_SOON_COUNTED:
        return Total(_count(found))
    if found.query.where:
        return Total(MOST_ROWS_COUNTED, "more than")
    return Total(int(float(f"{estimate:.3g}")), "about")


@transaction.atomic
def _count(found: QuerySet[Any]) -> int:
    """All of them at once: going from one to the next through an index takes several times as long."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off; SET LOCAL work_mem = '64MB'")
        rows = found.count()
        cursor.execute("RESET enable_nestloop; RESET work_mem")
    return rows


def _keys_between(found: QuerySet[Any], start: int, stop: int) -> list[Any]:
    if not found.query.where:
        return list(found.values_list("pk", flat=True)[start:stop])
    first = found.model._default_manager.order_by(*_order(found)).values("pk")[:ROWS_TRIED]
    keys = _sorted(found.filter(pk__in=first), ROWS_TRIED)[start:stop]
    return keys if len(keys) == stop - start else _sorted(found, ANY_NUMBER, start, stop)


def _order(found: QuerySet[Any]) -> list[OrderBy]:
    parts: Any = found.query.order_by
    return list(parts) if found.query.standard_ordering else [_turned(part) for part in parts]


def _sorted(found: QuerySet[Any], most: int, start: int = 0, stop: int = ANY_NUMBER) -> list[Any]:
    """The keys between two places of so many rows, which are found before they are sorted."""
    order = _order(found)
    columns: dict[str, Any] = {f"by_{place}": part.expression for place, part in enumerate(order)}
    unsorted = found.order_by().annotate(**columns).values_list("pk", *columns)[:most]
    try:
        sql, parameters = unsorted.query.sql_with_params()
    except EmptyResultSet:
        return []
    by = ", ".join(f"{column} {_direction(part)}" for column, part in zip(columns, order, strict=True))
    with connection.cursor() as cursor:
        ordered = f"SELECT pk FROM ({sql}) AS found ORDER BY {by} LIMIT %s OFFSET %s"  # noqa: S608 (Django's own SQL)
        cursor.execute(ordered, [*parameters, stop - start, start])
        return [key for (key,) in cursor.fetchall()]


def _direction(part: OrderBy) -> str:
    nulls = " NULLS FIRST" if part.nulls_first else " NULLS LAST" if part.nulls_last else ""
    return ("DESC" if part.descending else "ASC") + nulls


def _turned(part: OrderBy) -> OrderBy:
    turned = part.copy()
    turned.reverse_ordering()
    return turned
