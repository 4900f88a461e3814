"""The list of records in the admin, narrowed by the same filter as the reports, and quick however many there are."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib import messages
from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.db.models import F, OrderBy, QuerySet
from django.http import HttpRequest

from healthtrack.audit.access_recorder import record_patient_access
from healthtrack.core import search_terms
from patients import sidebar
from patients.filters import PARAMETERS, ActiveFilter, RecordFilter, kinds_asked
from patients.paging import LAST, RowPage, page_of

COUNT_VAR = "count"


class RecordList(ChangeList):
    records: RecordFilter
    page: RowPage
    searches_by_post = True

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        """What is left for the admin's own look-ups by field."""
        others = super().get_filters_params(params)
        return {
            name: value for name, value in others.items() if name not in {*PARAMETERS, COUNT_VAR, search_terms.FOUND}
        }

    def get_filters(self, request: HttpRequest) -> Any:
        _, _, lookups, may_have_duplicates, _ = super().get_filters(request)
        self.records = RecordFilter(request.GET, self.root_queryset)
        for fault in self.records.faults:
            messages.error(request, f"No record is shown. {fault}")
        self.root_queryset = self.records.qs
        if search_terms.is_lost(request):
            messages.error(request, f"No record is shown. {search_terms.LOST}")
            self.root_queryset = self.root_queryset.none()
        is_narrowed = bool(self.records.asked or lookups)
        return sidebar.offers(self.records), True, lookups, may_have_duplicates, is_narrowed

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        self.query = search_terms.words_of(request)
        queryset = super().get_queryset(request, exclude_parameters)
        others = self.get_filters_params()
        self.clear_all_filters_qs = self.get_query_string(dict.fromkeys([*PARAMETERS, *others]))
        return queryset

    def get_ordering_field(self, field_name: Any) -> Any:
        """Of the columns in whose order an index stands, and of no others."""
        return super().get_ordering_field(field_name) if field_name in (self.sortable_by or ()) else None

    def _get_deterministic_ordering(self, ordering: Sequence[Any]) -> list[OrderBy]:
        """With the key last, in the direction of the first column, as in the index of that column."""
        parts = [_order(part) for part in ordering or ["patient_id"]]
        key = OrderBy(F("pk"), descending=parts[0].descending)
        return parts if F("patient_id") in [part.expression for part in parts] else [*parts, key]

    def get_results(self, request: HttpRequest) -> None:
        shown = self.model_admin.get_queryset(request)
        is_counted = COUNT_VAR in self.params
        self.page = page_of(self.queryset, shown, self.page_num, self.list_per_page, is_counted=is_counted)
        self.result_list: Any = self.page.rows
        record_patient_access([record.pk for record in self.page.rows], filters=kinds_asked(request))
        self.result_count = self.full_result_count = self.page.total.rows  # alike, or the search would tell both
        self.show_admin_actions = bool(self.page.rows)
        self.show_full_result_count = self.can_show_all = False

    @property
    def active_filters(self) -> Iterator[tuple[ActiveFilter, str]]:
        """Each with the address of the same list without it."""
        for active in self.records.active:
            yield active, self.get_query_string({active.parameter: None})

    @property
    def counted_address(self) -> str:
        return self.get_query_string({COUNT_VAR: "1"})

    @property
    def page_addresses(self) -> Iterator[tuple[str, str | None]]:
        """To where each link between the pages leads; none where that is here."""
        ways = {
            "First": 1 if self.page.previous else None,
            "Previous": self.page.previous,
            "Next": self.page.next,
            "Last": LAST if self.page.next else None,
        }
        for name, number in ways.items():
            yield name, self.get_query_string({PAGE_VAR: number}) if number else None


def _order(part: str | OrderBy) -> OrderBy:
    return part if isinstance(part, OrderBy) else OrderBy(F(part.removeprefix("-")), descending=part.startswith("-"))
