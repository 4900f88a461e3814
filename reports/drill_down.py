"""The addresses by which the figures of a report lead to their patients."""

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
    """Addresses of the list of records, narrowed to exactly those patients whom a report counts."""

    def __init__(self, request: HttpRequest, asked: RecordFilter) -> None:
        self.is_open = can_view(request.user, MedicalRecord)
        self.list = reverse("admin:patients_medicalrecord_changelist") if self.is_open else ""
        self.asked = dict(asked.active_values)
        if search_terms.get_query(request):
            self.asked[search_terms.TOKEN] = request.GET[search_terms.TOKEN]

    def to(self, **more: str | int) -> str:
        """Of the patients asked for, those of whom this is true besides; nowhere if the list has no words for them."""
        return self._address(self.asked, more)

    def to_ages(self, band: Band, **more: str | int) -> str:
        others = {name: value for name, value in self.asked.items() if name not in {"min_age", "max_age"}}
        youngest = max(band.youngest, int(self.asked.get("min_age", 0)))
        limits = [band.oldest, self.asked.get("max_age")]
        oldest = min((int(limit) for limit in limits if limit is not None), default=None)
        if oldest is None:
            return self._address(others, {"min_age": youngest, **more})
        return self._address(others, {"min_age": youngest, "max_age": oldest, **more}) if youngest <= oldest else ""

    def _address(self, asked: Mapping[str, str], more: Mapping[str, str | int]) -> str:
        query = dict(asked)
        for name, value in more.items():
            text = str(value)
            if name == "condition" and name in query:
                terms = [term.strip().casefold() for term in query[name].split(",")]
                query[name] += "" if text.casefold() in terms else f", {text}"
            elif query.setdefault(name, text).casefold() != text.casefold():
                return ""
        query[COUNT_VAR] = "1"  # who follows a number looks for the same one
        return f"{self.list}?{urlencode(query)}" if self.is_open else ""
