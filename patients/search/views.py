"""The search field of every page: it finds patients, and pages by their titles."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib import admin
from django.contrib.auth.mixins import UserPassesTestMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import cache_control

from healthtrack.audit.access_recorder import record_patient_access
from healthtrack.core import search_terms
from healthtrack.core.help import find_help
from healthtrack.core.navigation import FoundPage, find_pages
from healthtrack.core.permissions import can_view
from patients.age import completed_years
from patients.models import MedicalRecord
from patients.search.records import search_records, search_with_one_error

MAX_RESULTS, MAX_SUGGESTIONS = 50, 8
MAX_SORTED = 200  # of a search that finds more, the first of these are shown, and more words are needed anyway
MIN_SUGGESTED_LENGTH = 2


@dataclass(frozen=True)
class FoundPatient:
    """A patient in the results, with the age in completed years."""

    record: MedicalRecord
    age: int


@dataclass(frozen=True)
class Results:
    """What a search found. `is_similar` says that the names match only if one typing error is forgiven."""

    pages: list[FoundPage]
    patients: list[FoundPatient]
    is_similar: bool = False
    has_more: bool = False


@method_decorator(cache_control(no_store=True), name="dispatch")
class SearchView(UserPassesTestMixin, View):
    """A search of every page that the person may open, and of patients if the person may see records."""

    def test_func(self) -> bool:
        return admin.site.has_permission(self.request)

    @property
    def may_see_patients(self) -> bool:
        return can_view(self.request.user, MedicalRecord)

    def find(self, text: str, limit: int) -> Results:
        """Return at most `limit` patients, and record that the response shows them."""
        pages = [*find_pages(self.request.user, text), *find_help(text)]
        if not self.may_see_patients or not text:
            return Results(pages, [])
        records, is_similar = _find_records(text)
        shown = _get_own(text, records)[:limit]
        record_patient_access([record.pk for record in shown])
        today = timezone.localdate()
        return Results(pages, [_describe(record, today) for record in shown], is_similar, len(records) > limit)


class Search(SearchView):
    """The page with the results. The words come from the session, because an address must not contain them."""

    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest) -> HttpResponse:
        words = search_terms.get_query(request)
        context: dict[str, Any] = {
            "title": "Search",
            "words": words,
            "error": search_terms.EXPIRED if search_terms.is_expired(request) else "",
            "may_see_patients": self.may_see_patients,
            "results": self.find(words, MAX_RESULTS),
            "token": request.GET.get(search_terms.TOKEN, ""),
        }
        return render(request, "patients/search.html", {**admin.site.each_context(request), **context})

    def post(self, request: HttpRequest) -> HttpResponse:
        """Redirect to the results, or to the record whose number was typed in full."""
        number = request.POST.get(search_terms.QUERY, "").replace("\0", "").strip()
        if number and self.may_see_patients and MedicalRecord.objects.filter(pk=number).exists():
            return redirect(reverse("admin:patients_medicalrecord_change", args=[admin.utils.quote(number)]))
        return search_terms.redirect_to_search_token(request) or redirect("search")


class Suggestions(SearchView):
    """The results while somebody types, as a part of the page. Nothing is stored, and no address contains the words."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        words = request.POST.get(search_terms.QUERY, "").strip()[: search_terms.MAX_LENGTH]
        results = self.find(words, MAX_SUGGESTIONS) if len(words) >= MIN_SUGGESTED_LENGTH else None
        return render(request, "patients/search-suggestions.html", {"words": words, "results": results})


def _find_records(text: str) -> tuple[list[MedicalRecord], bool]:
    """Return at most `MAX_SORTED` records, by name and date of birth, and whether an error had to be forgiven."""
    every = MedicalRecord.objects.order_by()
    for is_similar, search in enumerate((search_records, search_with_one_error)):
        if records := list(search(text, every)[:MAX_SORTED]):
            return sorted(records, key=lambda record: (record.name, record.date_of_birth)), bool(is_similar)
    return [], False


def _get_own(text: str, records: list[MedicalRecord]) -> list[MedicalRecord]:
    """Return the records with the one first whose number is the text."""
    return sorted(records, key=lambda record: record.pk.lower() != text.strip().lower())


def _describe(record: MedicalRecord, today: date) -> FoundPatient:
    return FoundPatient(record, completed_years(record.date_of_birth, today))
