"""The access log's page: who viewed a patient, and what a person viewed, by day. Opening it is recorded too."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django import forms
from django.contrib import admin
from django.contrib.auth.mixins import UserPassesTestMixin
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import cache_control

from healthtrack.audit.access_recorder import record_patient_access
from healthtrack.audit.account_names import name_at
from healthtrack.audit.file_parts import get_possible_beginnings
from healthtrack.audit.models import Access
from healthtrack.audit.registry import page_names, run_address
from healthtrack.core.log_pages import DayField, get_last_id, get_page, get_start

VIEW = "audit.view_access"
MAX_PATIENTS_PER_ROW = 10


class AccessesForm(forms.Form):
    patient = forms.CharField(label="Patient number", required=False, max_length=50)
    person = forms.ModelChoiceField(User.objects.order_by("username"), required=False, empty_label="Anybody")
    day = DayField(required=False)


@dataclass(frozen=True)
class Row:
    access: Access
    page: str
    patients: Sequence[str]
    others: int
    run_href: str


@method_decorator(cache_control(no_store=True), name="dispatch")
class Accesses(UserPassesTestMixin, View):
    http_method_names = ["get", "head"]

    def test_func(self) -> bool:
        return admin.site.has_permission(self.request) and self.request.user.has_perm(VIEW)

    def get(self, request: HttpRequest) -> HttpResponse:
        form = AccessesForm(request.GET)
        accesses = self._filter(form) if form.is_valid() else Access.objects.none()
        page = get_page(accesses, "seen_at", get_last_id(request))
        patient = form.cleaned_data.get("patient", "") if form.is_valid() else ""
        rows = list(_rows(page.rows, patient))
        record_patient_access([patient] if patient else [number for row in rows for number in row.patients])
        context = {
            **admin.site.each_context(request),
            "title": f"Access log of patient {patient}" if patient else "Access log",
            "form": form,
            "rows": rows,
            "older": page.older,
            "is_newest": page.is_newest,
        }
        return render(request, "audit/accesses.html", context)

    def _filter(self, form: AccessesForm) -> QuerySet[Access]:
        """Return the accesses that match the form."""
        accesses = Access.objects.annotate(person_name=name_at("person_id", "seen_at")).defer("file_patients")
        filters = form.cleaned_data
        if filters["patient"]:
            accesses = accesses.filter(_shows(filters["patient"]))
        else:
            accesses = accesses.filter(file_patients=None)  # a file once, and not each of its parts
        if filters["person"]:
            accesses = accesses.filter(person=filters["person"])
        if day := filters["day"]:
            start = get_start(day)
            accesses = accesses.filter(seen_at__gte=start, seen_at__lt=start + timedelta(days=1))
        return accesses


def _shows(patient: str) -> Q:
    """Return the condition for pages and parts of files with a patient."""
    parts = Q(patient_ids__overlap=get_possible_beginnings(patient), file_patients__contains=[patient])
    return Q(patient_ids__contains=[patient], file_patients=None) | parts


def _rows(accesses: Sequence[Access], patient: str) -> Iterator[Row]:
    """Yield rows that show the first few patients, or only the one that the form filters by."""
    names = page_names()
    for access in accesses:
        shown = [patient] if patient else access.patient_ids[:MAX_PATIENTS_PER_ROW]
        count = len(access.patient_ids) if access.file_rows is None or not shown else access.file_rows
        page = names.get(access.page, access.page)
        run = run_address(access.run_id) if access.run_id else ""
        yield Row(access, page, shown, count - len(shown), run)
