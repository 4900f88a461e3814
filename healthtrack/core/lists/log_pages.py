"""Pages of logs: newest first, one page at a time, without counting the rows, as there may be millions.

The link to the next page names the last row of this one in the parameter `after`.
"""

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Generic, TypeVar

from django import forms
from django.db.models import BooleanField, F, Func, Model, QuerySet, Value
from django.db.models.lookups import GreaterThanOrEqual, LessThan, LessThanOrEqual
from django.http import HttpRequest
from django.utils import timezone

from healthtrack.core.forms.widgets import MAX_KEY_DIGITS, DayInput

PAGE_SIZE = 50
FILTER_YEARS = range(1900, 3000)
Row = TypeVar("Row", bound=Model)


def get_last_id(request: HttpRequest) -> int | None:
    """Return the row after which the page continues, or None for the newest page or an invalid parameter."""
    after = request.GET.get("after", "")
    return int(after) if after.isascii() and after.isdecimal() and len(after) <= MAX_KEY_DIGITS else None


class DayField(forms.DateField):
    """A day by which a log is filtered, far enough from the first and the last that a time can be."""

    widget = DayInput

    def validate(self, value: date | None) -> None:
        super().validate(value)
        if value and value.year not in FILTER_YEARS:
            raise forms.ValidationError(f"Enter a day of the years {FILTER_YEARS[0]} to {FILTER_YEARS[-1]}.")


@dataclass(frozen=True)
class LogPage(Generic[Row]):
    rows: list[Row]
    older: int | None  # the key of the last row, if there are older ones
    is_newest: bool


def get_page(rows: QuerySet[Row], moment: str, after: int | None) -> LogPage[Row]:
    """Return the page that follows the row with the key `after`, or the newest page if there is no such row.

    `moment` names the field with the time of a row.
    """
    rows, is_newest = start_after(rows, moment, after)
    found = list(rows.order_by(f"-{moment}", f"-{rows.model._meta.pk.attname}")[: PAGE_SIZE + 1])
    return LogPage(found[:PAGE_SIZE], found[PAGE_SIZE - 1].pk if len(found) > PAGE_SIZE else None, is_newest)


def start_after(rows: QuerySet[Row], moment: str, after: int | None) -> tuple[QuerySet[Row], bool]:
    """Return the rows older than the one with the key `after`, and False; all rows, and True, if there is none."""
    last = rows.model._default_manager.filter(pk=after).values_list(moment, flat=True).first() if after else None
    if last is None:
        return rows, True
    # The second condition says in which partitions and in which part of an index older rows are.
    older = LessThan(_place(F(moment), F(rows.model._meta.pk.attname)), _place(Value(last), Value(after)))
    return rows.filter(older, **{f"{moment}__lte": last}), False


def get_place(row: Model, moment: str) -> tuple[datetime, int]:
    """Return what orders the rows of a log: the time and the key."""
    return getattr(row, moment), row.pk


def is_between(
    rows: QuerySet[Row], moment: str, oldest: tuple[datetime, int], newest: tuple[datetime, int]
) -> QuerySet[Row]:
    """Return the rows between these two places, with both."""
    place = _place(F(moment), F(rows.model._meta.pk.attname))
    return rows.filter(
        GreaterThanOrEqual(place, _place(*map(Value, oldest))),
        LessThanOrEqual(place, _place(*map(Value, newest))),
        **{f"{moment}__range": (oldest[0], newest[0])},
    )


def get_start(day: date) -> datetime:
    """Return the moment at which the day begins."""
    return timezone.make_aware(datetime.combine(day, time()))


def _place(*parts: Any) -> Func:
    return Func(*parts, function="ROW", output_field=BooleanField())
