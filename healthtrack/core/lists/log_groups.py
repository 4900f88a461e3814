"""Groups of repeated log entries: what one actor did several times in a row, as one line of a page.

Groups are presentation only: every entry is in exactly one group of exactly one page, and each group can be opened.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Case, Count, Max, Min, Q, QuerySet, When

from healthtrack.core.forms.widgets import MAX_KEY_DIGITS
from healthtrack.core.lists import log_pages
from healthtrack.core.lists.log_pages import get_place, is_between, start_after

MAX_ENTRIES = 500  # of one page
_CODE = re.compile(rf"([0-9]{{1,{MAX_KEY_DIGITS}}})-([0-9]{{1,{MAX_KEY_DIGITS}}})\Z", re.ASCII)
# Entries are numbered, newest first. A group ends where the actor did something else, or nothing for an hour. What
# others did meanwhile does not matter.
_GROUPS = """
WITH listed AS (
    SELECT *, row_number() OVER (ORDER BY moment DESC, key DESC) AS place
      FROM ({entries}) AS entry (key, moment, {actor}, {kind})
), compared AS (
    SELECT *, lag(ROW({kind})) OVER newer IS DISTINCT FROM ROW({kind})
              OR lag(moment) OVER newer > moment + interval '1 hour' AS is_first
      FROM listed WINDOW newer AS (PARTITION BY {actor} ORDER BY place)
), numbered AS (
    SELECT *, count(*) FILTER (WHERE is_first) OVER (PARTITION BY {actor} ORDER BY place) AS number FROM compared
)
SELECT min(place) OVER (PARTITION BY {actor}, number) AS first, place, key, moment FROM numbered ORDER BY first, place
"""


@dataclass(frozen=True)
class Group:
    """Entries of one actor and one kind. `keys` has the newest ones first, at most MAX_ENTRIES of the `count`."""

    keys: Sequence[int]
    count: int
    newest: datetime
    oldest: datetime
    oldest_key: int

    @property
    def code(self) -> str:
        """What identifies the group in an address."""
        return f"{self.oldest_key}-{self.keys[0]}"


@dataclass(frozen=True)
class GroupPage:
    groups: Sequence[Group]
    older: int | None  # the last entry of this page, if there are older ones
    is_newest: bool


@dataclass(frozen=True)
class Grouping:
    """The columns of the moment of an entry, of its actor, and of what the actor did."""

    moment: str
    actor: Sequence[str]
    kind: Sequence[str]

    @property
    def columns(self) -> Sequence[str]:
        """Those that are equal in all entries of a group."""
        return [*self.actor, *self.kind]


def get_group_page(rows: QuerySet[Any], grouping: Grouping, after: int | None) -> GroupPage:
    """Return the page that follows the entry with the key `after`, or the newest page if there is no such entry."""
    rows, is_newest = start_after(rows, grouping.moment, after)
    entries = _find_entries(rows, grouping)
    if not entries:
        return GroupPage([], None, is_newest)
    groups = [list(each) for _, each in groupby(entries, key=lambda entry: entry[0])]
    # The group after the last one begins the next page, with what is older than its first entry.
    size = log_pages.PAGE_SIZE
    is_full = len(groups) > size
    stop = groups[size][0][0] if is_full else MAX_ENTRIES + 1
    shown = [_make_group([entry for entry in group if entry[1] < stop]) for group in groups[:size]]
    if not is_full and len(entries) < MAX_ENTRIES:
        return GroupPage(shown, None, is_newest)
    _, last = max((place, key) for _, place, key, _ in entries if place < stop)
    if is_full:
        return GroupPage(shown, last, is_newest)
    place = next(place for place, group in enumerate(shown) if group.oldest_key == last)
    shown[place] = _extend(rows, grouping, shown[place])
    return GroupPage(shown, shown[place].oldest_key, is_newest)


def get_group(rows: QuerySet[Any], grouping: Grouping, code: str) -> QuerySet[Any]:
    """Return the entries of a group, none if the code is invalid."""
    found = _CODE.match(code)
    ends = {row.pk: row for row in rows.filter(pk__in=found.groups())} if found else {}
    if not found or not {int(found[1]), int(found[2])} <= ends.keys():
        return rows.none()
    oldest, newest = ends[int(found[1])], ends[int(found[2])]
    alike = {column: getattr(newest, column) for column in grouping.columns}
    places = (get_place(each, grouping.moment) for each in (oldest, newest))
    return is_between(rows.filter(**alike), grouping.moment, *places)


def _find_entries(rows: QuerySet[Any], grouping: Grouping) -> list[tuple[int, int, int, datetime]]:
    """Return the newest entries: the place of the group's first entry, the own place, the key and the moment."""
    moment = grouping.moment
    listed = rows.order_by(f"-{moment}", f"-{rows.model._meta.pk.attname}")
    try:
        entries, parameters = listed.values_list("pk", moment, *grouping.columns)[:MAX_ENTRIES].query.sql_with_params()
    except EmptyResultSet:
        return []
    actor = ", ".join(f"actor_{place}" for place, _ in enumerate(grouping.actor))
    kind = ", ".join(f"kind_{place}" for place, _ in enumerate(grouping.kind))
    with connection.cursor() as cursor:
        cursor.execute(_GROUPS.format(entries=entries, actor=actor, kind=kind), parameters)
        found: list[tuple[int, int, int, datetime]] = cursor.fetchall()
    return found


def _make_group(entries: Sequence[tuple[int, int, int, datetime]]) -> Group:
    keys = [key for _, _, key, _ in entries]
    return Group(keys, len(keys), entries[0][3], entries[-1][3], keys[-1])


def _extend(rows: QuerySet[Any], grouping: Grouping, group: Group) -> Group:
    """Add what the same statement did: an import that changed 100,000 rows is one group, and not 200 pages."""
    last = rows.get(pk=group.oldest_key)
    alike = Q(**{column: getattr(last, column) for column in grouping.columns})
    older = rows.filter(**{grouping.moment: group.oldest}, pk__lt=group.oldest_key)
    other = older.aggregate(key=Max(Case(When(~alike, then="pk"))))["key"] or 0
    more = older.filter(alike, pk__gt=other).aggregate(count=Count("pk"), oldest=Min("pk"))
    return replace(group, count=group.count + more["count"], oldest_key=more["oldest"] or group.oldest_key)
