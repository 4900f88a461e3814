"""The list of records in the admin: it has the same filters as the reports, and is fast for a million records."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib import messages
from django.contrib.admin.views.main import ERROR_FLAG, IGNORED_PARAMS, PAGE_VAR, ChangeList
from django.db.models import F, OrderBy, QuerySet
from django.http import HttpRequest

from healthtrack.audit.access_recorder import record_patient_access
from healthtrack.core import search_terms
from healthtrack.core.text import quote
from patients import sidebar
from patients.filters import PARAMETERS, ActiveFilter, RecordFilter, get_filter_names
from patients.paging import LAST, RowPage, get_row_page

COUNT_VAR = "count"
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


def list_errors(request: HttpRequest, records: RecordFilter) -> list[str]:
    """Return a sentence for each reason why an address shows and exports no records."""
    undeclared = [name for name in request.GET if name not in DECLARED_PARAMETERS]
    return [
        *records.error_messages,
        *([search_terms.EXPIRED] if search_terms.is_expired(request) else []),
        *(f"{quote(name)} is not a filter of this list. Use those on the page, or its search." for name in undeclared),
    ]


class RecordList(ChangeList):
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

    def get_ordering_field(self, field_name: Any) -> Any:
        """Return the field to sort by; none for a column that has no index."""
        return super().get_ordering_field(field_name) if field_name in (self.sortable_by or ()) else None

    def _get_deterministic_ordering(self, ordering: Sequence[Any]) -> list[OrderBy]:
        """Return the ordering with the key as its last part, in the direction of the first column, like its index."""
        parts = [_order(part) for part in ordering or ["patient_id"]]
        key = OrderBy(F("pk"), descending=parts[0].descending)
        return parts if F("patient_id") in [part.expression for part in parts] else [*parts, key]

    def get_results(self, request: HttpRequest) -> None:
        shown = self.model_admin.get_queryset(request)
        is_counted = COUNT_VAR in self.params
        self.page = get_row_page(self.queryset, shown, self.page_num, self.list_per_page, is_counted=is_counted)
        self.result_list: Any = self.page.rows
        record_patient_access([record.pk for record in self.page.rows], filters=get_filter_names(request))
        self.result_count = self.full_result_count = self.page.total.rows  # equal, or the search form would show both
        self.show_admin_actions = bool(self.page.rows)
        self.show_full_result_count = self.can_show_all = False

    @property
    def active_filters(self) -> Iterator[tuple[ActiveFilter, str]]:
        """The filters of the address, each with the address of the list without it."""
        for active in self.records.active_filters:
            yield active, self.get_query_string({active.parameter: None})

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
