"""The list of records in the admin: it has the same filters as the reports, and is fast for a million records."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from django.contrib import messages
from django.contrib.admin.views.main import ERROR_FLAG, IGNORED_PARAMS, PAGE_VAR
from django.db.models import F, OrderBy, QuerySet
from django.db.models.functions import Length
from django.http import HttpRequest

from healthtrack.audit.access_recorder import record_patient_access
from healthtrack.core import search_terms
from healthtrack.core.lists.changelist import SortedList
from healthtrack.core.text import quote
from patients.filters.records import PARAMETERS, RecordFilter, get_filter_names
from patients.record_list import sidebar
from patients.record_list.paging import LAST, MAX_ROWS_COUNTED, ListedRows, RowPage, get_row_page

COUNT_VAR = "count"
INDEXED_COLUMNS = ("patient_id", "full_name", "date_of_birth", "age", "last_appointment")
# Without an index: sorting a million records by these takes seconds.
SORTED_IN_SHORT_LISTS = ("gender", "conditions", "takes_medication", "tracker", "known_allergies")
# What the numbers in saved views of version 0.1 mean.
COLUMNS_BY_NUMBER = (
    *("patient_id", "full_name", "age", "gender", "conditions", "takes_medication", "tracker", "linked_trackers"),
    "last_appointment",
)
# Every parameter that an address of the list may have. Django would look up fields by all others, such as
# name__startswith, and the access log would not mention them.
DECLARED_PARAMETERS = {
    *PARAMETERS,
    *IGNORED_PARAMS,
    search_terms.TOKEN,
    COUNT_VAR,
    PAGE_VAR,
    ERROR_FLAG,
    "_changelist_filters",
}


TOO_LONG_TO_SORT = (
    f"only lists of at most {MAX_ROWS_COUNTED:,} records can be sorted by this column. Filter the list first."
)


def list_errors(request: HttpRequest, records: RecordFilter) -> list[str]:
    """Return a sentence for each reason why an address shows and exports no records."""
    undeclared = [name for name in request.GET if name not in DECLARED_PARAMETERS]
    return [
        *records.error_messages,
        *([search_terms.EXPIRED] if search_terms.is_expired(request) else []),
        *(f"{quote(name)} is not a filter of this list. Use those on the page, or its search." for name in undeclared),
    ]


class RecordList(SortedList):
    """The admin's list with the filters of RecordFilter, and with pages that a database finds quickly."""

    records: RecordFilter
    page: RowPage
    searches_by_post = True

    def get_filters(self, request: HttpRequest) -> Any:
        self.records = RecordFilter(request.GET, self.root_queryset)
        errors = list_errors(request, self.records)
        for error in errors:
            messages.error(request, f"No records shown. {error}")
        self.root_queryset = self.records.qs.none() if errors else self.records.qs
        is_filtered = bool(self.records.active_values or errors)
        return sidebar.get_sidebar_filters(self.records), True, {}, False, is_filtered

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        self.query = search_terms.get_query(request)
        queryset = super().get_queryset(request, exclude_parameters)
        others = DECLARED_PARAMETERS.difference(PARAMETERS)
        self.clear_all_filters_qs = self.get_query_string(dict.fromkeys({*self.filter_params} - others))
        return queryset

    def is_sortable(self, column: Any) -> bool:
        # Before the records are found, nobody knows whether the list is short.
        page = getattr(self, "page", None)
        return super().is_sortable(column) and (column in INDEXED_COLUMNS or page is None or page.is_short)

    def _get_deterministic_ordering(self, ordering: Sequence[Any]) -> list[OrderBy]:
        """Return the ordering with the key as its last part, in the direction of the first column, like its index."""
        parts = [_order(part) for part in ordering or ["patient_id"]]
        number = next((place for place, part in enumerate(parts) if part.expression == F("patient_id")), None)
        if number is None:
            return [*parts, OrderBy(F("pk"), descending=parts[0].descending)]
        # 1002 comes before 100085. What follows the number decides nothing.
        length = OrderBy(Length("patient_id"), descending=parts[number].descending)
        return [*parts[:number], length, parts[number]]

    def get_results(self, request: HttpRequest) -> None:
        shown = self.model_admin.get_queryset(request)
        is_counted = COUNT_VAR in self.params
        needs_short = not all(name in INDEXED_COLUMNS for name in self.sorting)
        indexed = self.queryset.order_by(*self._get_deterministic_ordering([])) if needs_short else self.queryset
        rows = ListedRows(self.queryset, indexed, shown)
        self.page = get_row_page(rows, self.page_num, self.list_per_page, is_counted=is_counted)
        if needs_short and not self.page.is_short:
            self.sorting = {}
            messages.info(request, f"Sorted by patient number: {TOO_LONG_TO_SORT}")
        self.result_list: Any = self.page.rows
        record_patient_access([record.pk for record in self.page.rows], filters=get_filter_names(request))
        self.result_count = self.full_result_count = self.page.total.rows  # equal, or the search form would show both
        self.show_admin_actions = bool(self.page.rows)
        self.show_full_result_count = self.can_show_all = False

    @cached_property
    def active_filters(self) -> Sequence[tuple[Any, str]]:
        return [
            (active, self.get_query_string({active.parameter: list(active.others) or None}))
            for active in self.records.active_filters
        ]

    @property
    def exact_count_address(self) -> str:
        return self.get_query_string({COUNT_VAR: "1"})

    @property
    def page_addresses(self) -> Iterator[tuple[str, str | None]]:
        """The links between pages with their addresses; None for a link to the current page."""
        numbers = {
            "First": 1 if self.page.previous else None,
            "Previous": self.page.previous,
            "Next": self.page.next,
            "Last": LAST if self.page.next else None,
        }
        for name, number in numbers.items():
            yield name, self.get_query_string({PAGE_VAR: number}) if number else None


def _order(part: str | OrderBy) -> OrderBy:
    return part if isinstance(part, OrderBy) else OrderBy(F(part.removeprefix("-")), descending=part.startswith("-"))
