"""The addresses by which the figures of a report link to their patients."""

from collections.abc import Mapping, Sequence

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from healthtrack.core import search_terms
from healthtrack.core.permissions import can_view
from patients.age import Band
from patients.models import MedicalRecord
from patients.record_list.changelist import COUNT_VAR

# The later of two first days, and the earlier of two last days: days in addresses sort as texts.
BOUNDS = {"added_after": max, "added_before": min}


class DrillDown:
    """Addresses of the list of records, filtered to exactly the patients that a figure counts."""

    def __init__(self, request: HttpRequest, filters: Mapping[str, Sequence[str]]) -> None:
        self.is_open = can_view(request.user, MedicalRecord)
        self.list = reverse("admin:patients_medicalrecord_changelist") if self.is_open else ""
        self.filters: dict[str, Sequence[str]] = dict(filters)
        if search_terms.get_query(request):
            self.filters[search_terms.TOKEN] = [request.GET[search_terms.TOKEN]]

    def get_address(self, **more: str | int) -> str:
        """Return the address of the patients that match the report's filters and these.

        It is empty if the list cannot filter by both.
        """
        return self._address(self.filters, more)

    def get_age_address(self, band: Band, **more: str | int) -> str:
        """Return the address of the patients in this age group; empty if the filters exclude it."""
        others = {name: values for name, values in self.filters.items() if name not in {"min_age", "max_age"}}
        youngest = max([band.youngest, *map(int, self.filters.get("min_age", []))])
        limits = [*map(int, self.filters.get("max_age", [])), *([] if band.oldest is None else [band.oldest])]
        oldest = min(limits, default=None)
        if oldest is None:
            return self._address(others, {"min_age": youngest, **more})
        return self._address(others, {"min_age": youngest, "max_age": oldest, **more}) if youngest <= oldest else ""

    def _address(self, filters: Mapping[str, Sequence[str]], more: Mapping[str, str | int]) -> str:
        query = dict(filters)
        for name, value in more.items():
            query[name] = _narrow(name, query.get(name, []), str(value))
            if not query[name]:
                return ""
        query[COUNT_VAR] = ["1"]  # the list shows the exact number, to compare it with the figure
        return f"{self.list}?{urlencode(query, doseq=True)}" if self.is_open else ""


def _narrow(name: str, values: Sequence[str], value: str) -> Sequence[str]:
    """Return the values that find who matches one of these and this one too; empty if the filter cannot do that."""
    if name in BOUNDS:
        return [BOUNDS[name]([*values, value])]
    folded = [other.casefold() for other in values]
    if not values or value.casefold() in folded:
        return [value]
    if name != "condition":
        return []
    # Each value of this filter may hold several conditions, all of which a patient must have.
    return [
        other if value.casefold() in {term.strip().casefold() for term in other.split(",")} else f"{other}, {value}"
        for other in values
    ]
