"""The lists of the admin: sorted by columns that the address names, and with words for yes and no."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import ModelAdmin
from django.contrib.admin.utils import label_for_field
from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.db.models import F, Model, OrderBy, QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst

CHECKBOX = "action_checkbox"
MAX_DIGITS = 3  # of the number of a column


@dataclass(frozen=True)
class Header:
    """The head of a column. `address` sorts by it, and is empty if nothing can; `direction` is that of `aria-sort`."""

    name: str
    text: str
    address: str = ""
    direction: str = ""


@dataclass(frozen=True)
class ListFilter:
    """A filter in use, with its label and value as a page shows them."""

    label: str
    value: str


class SortedList(ChangeList):
    """Django's list, with the names of columns in the parameter `o`: people choose columns, so numbers would change.

    Numbers, as in addresses that people saved before, count the standard columns from 1.
    """

    model_admin: Any  # of the class ConflictSafeModelAdmin
    settings_address = ""  # of the page on which people choose columns, empty if they cannot

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Django would find out for each link of each row whether it leads back to the list, which takes a tenth of the
        # page's time. Here the address of a row has the filters already.
        self._filters, self.preserved_filters = self.preserved_filters, ""
        self._addresses: dict[Any, str] = {}

    def url_for_result(self, result: Any) -> str:
        """Return the address of the page of this row, with the filters with which that page returns to the list."""
        if result.pk not in self._addresses:
            self._addresses[result.pk] = "?".join(filter(None, (super().url_for_result(result), self._filters)))
        return self._addresses[result.pk]

    @cached_property
    def sorting(self) -> dict[str, bool]:
        """The columns by which the address sorts, each with whether the order is descending."""
        columns = {get_column_name(column): column for column in self.model_admin.get_columns(self.request)}
        numbered = dict(enumerate(map(get_column_name, self.model_admin.get_numbered_columns(self.request)), start=1))
        sorting: dict[str, bool] = {}
        for part in self.params.get(ORDER_VAR, "").split("."):
            name = part.removeprefix("-")
            if name.isascii() and name.isdecimal() and len(name) <= MAX_DIGITS:
                name = numbered.get(int(name), "")
            if name in columns and self.is_sortable(columns[name]):
                sorting.setdefault(name, part.startswith("-"))
        return sorting

    def is_sortable(self, column: Any) -> bool:
        """Return whether the list may be sorted by this column."""
        sortable = self.model_admin.sortable_by
        return (sortable is None or column in sortable) and bool(self.get_ordering_field(column))

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        self.request = request
        return super().get_queryset(request, exclude_parameters)

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        columns = {get_column_name(column): column for column in self.model_admin.get_columns(request)}
        ordering = [_order(self.get_ordering_field(columns[name]), is_down) for name, is_down in self.sorting.items()]
        ordering = ordering or list(self._default_ordering)
        return self._get_deterministic_ordering([*ordering, *queryset.query.order_by])  # type: ignore[attr-defined]  # private

    @property
    def headers(self) -> Iterator[Header]:
        """The heads of the shown columns."""
        sorted_by = self.sorting or self._default_sorting
        for column in self.list_display:
            name = get_column_name(column)
            if name == CHECKBOX:
                yield Header(name, "")
                continue
            text = get_column_label(column, self.model_admin)
            if not self.is_sortable(column):
                yield Header(name, text)
                continue
            is_down = sorted_by.get(name)
            direction = {None: "", False: "ascending", True: "descending"}[is_down]
            address = self.get_query_string({ORDER_VAR: f"-{name}" if is_down is False else name})
            yield Header(name, text, address, direction)

    @cached_property
    def active_filters(self) -> Sequence[tuple[Any, str]]:
        """The filters in use, each with the address of the list without it."""
        every = ((spec, list(spec.choices(self))) for spec in self.filter_specs)
        return [
            (ListFilter(capfirst(str(spec.title)), str(choice["display"])), str(choices[0]["query_string"]))
            for spec, choices in every
            for choice in choices[1:]
            if choice["selected"]
        ]

    @property
    def _default_ordering(self) -> Sequence[Any]:
        return self.model_admin.get_ordering(self.request) or self.opts.ordering or ()

    @property
    def _default_sorting(self) -> dict[str, bool]:
        """Return the column by which the list is sorted unless somebody chooses another one."""
        first = next(iter(self._default_ordering), "")
        field = first.removeprefix("-") if isinstance(first, str) else ""
        names = (
            get_column_name(each) for each in self.list_display if field and self.get_ordering_field(each) == field
        )
        return {name: str(first).startswith("-") for name in list(names)[:1]}


def get_column_label(column: Any, model_admin: ModelAdmin[Any]) -> str:
    """Return the label of a column of the list of this admin."""
    return capfirst(str(label_for_field(column, model_admin.model, model_admin=model_admin)))


def get_column_name(column: str | Callable[[Any], Any]) -> str:
    """Return the name of a column of `list_display`."""
    return column if isinstance(column, str) else column.__name__


def yes_or_no(field: str, **options: Any) -> Callable[[Any, Model], str]:
    """Return a column for a field that is true or false. Django shows a red cross for what is not true."""

    def column(_: Any, row: Model) -> str:
        return "Yes" if getattr(row, field) else "No"

    return admin.display(column, ordering=field, **options)


def _order(field: Any, is_down: bool) -> Any:
    if isinstance(field, str):
        is_down ^= field.startswith("-")
        return OrderBy(F(field.removeprefix("-")), descending=is_down)
    order = field.copy() if isinstance(field, OrderBy) else OrderBy(field)
    if is_down:
        order.reverse_ordering()
    return order
