"""The addresses by which the figures of a report link to their patients."""

from collections.abc import Mapping

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from healthtrack.core import search_terms
from healthtrack.core.permissions import can_view
from patients.age import Band
from patients.filters import RecordFilter
from patients.models import MedicalRecord
from patients.record_list import COUNT_VAR


class DrillDown:
    """Addresses of the list of records, filtered to exactly the patients that a figure counts."""

    def __init__(self, request: HttpRequest, record_filter: RecordFilter) -> None:
        self.is_open = can_view(request.user, MedicalRecord)
        self.list = reverse("admin:patients_medicalrecord_changelist") if self.is_open else ""
        self.filters = dict(record_filter.active_values)
        if search_terms.get_query(request):
            self.filters[search_terms.TOKEN] = request.GET[search_terms.TOKEN]

    def get_address(self, **more: str | int) -> str:
        """Return the address of the patients that match the report's filters and these.

        It is empty if the list cannot filter by both.
        """
        return self._address(self.filters, more)

    def get_age_address(self, band: Band, **more: str | int) -> str:
        """Return the address of the patients in this age group; empty if the filters exclude it."""
        others = {name: value for name, value in self.filters.items() if name not in {"min_age", "max_age"}}
        youngest = max(band.youngest, int(self.filters.get("min_age", 0)))
        limits = [band.oldest, self.filters.get("max_age")]
        oldest = min((int(limit) for limit in limits if limit is not None), default=None)
        if oldest is None:
            return self._address(others, {"min_age": youngest, **more})
        return self._address(others, {"min_age": youngest, "max_age": oldest, **more}) if youngest <= oldest else ""

    def _address(self, filters: Mapping[str, str], more: Mapping[str, str | int]) -> str:
        query = dict(filters)
        for name, value in more.items():
            text = str(value)
            if name == "condition" and name in query:
                terms = [term.strip().casefold() for term in query[name].split(",")]
                query[name] += "" if text.casefold() in terms else f", {text}"
            elif query.setdefault(name, text).casefold() != text.casefold():
                return ""
        query[COUNT_VAR] = "1"  # the list shows the exact number, to compare it with the figure
        return f"{self.list}?{urlencode(query)}" if self.is_open else ""
