"""The list of records in the admin, narrowed by the same filter as the reports."""

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest

from patients import sidebar
from patients.filters import PARAMETERS, ActiveFilter, RecordFilter


class RecordList(ChangeList):
    records: RecordFilter

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:  # noqa: ANN401 (as in the base class)
        """What is left for the admin's own look-ups by field."""
        others = super().get_filters_params(params)
        return {name: value for name, value in others.items() if name not in PARAMETERS}

    def get_filters(self, request: HttpRequest) -> Any:  # noqa: ANN401 (as in the base class)
        _, _, lookups, may_have_duplicates, _ = super().get_filters(request)
        self.records = RecordFilter(request.GET, self.root_queryset)
        for fault in self.records.faults:
            messages.error(request, f"No record is shown. {fault}")
        self.root_queryset = self.records.qs
        is_narrowed = bool(self.records.asked or lookups)
        return sidebar.offers(self.records), True, lookups, may_have_duplicates, is_narrowed

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:  # noqa: ANN401
        queryset = super().get_queryset(request, exclude_parameters)
        others = self.get_filters_params()
        self.clear_all_filters_qs = self.get_query_string(dict.fromkeys([*PARAMETERS, *others]))
        return queryset

    @property
    def active_filters(self) -> Iterator[tuple[ActiveFilter, str]]:
        """Each with the address of the same list without it."""
        for active in self.records.active:
            yield active, self.get_query_string({active.parameter: None})
