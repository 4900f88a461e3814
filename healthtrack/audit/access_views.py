"""The access log's page: who viewed a patient, and what a person viewed, by day. Opening it is recorded too."""

from collections.abc import Sequence
from datetime import timedelta

from django import forms
from django.contrib import admin
from django.contrib.auth.mixins import UserPassesTestMixin
from django.contrib.auth.models import User
from django.db.models import Case, F, Q, QuerySet, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import cache_control

from healthtrack.audit.access_entries import AccessEntry, make_entries
from healthtrack.audit.access_recorder import record_patient_access
from healthtrack.audit.account_names import full_name, name_at
from healthtrack.audit.file_parts import get_possible_beginnings
from healthtrack.audit.models import Access
from healthtrack.core.lists.log_groups import Group, Grouping, get_group, get_group_page
from healthtrack.core.lists.log_pages import DayField, get_last_id, get_page, get_start

VIEW = "audit.view_access"
# Each file is an entry of its own.
GROUPING = Grouping("seen_at", actor=["person_id", "client_address"], kind=["page", "run_id", "file"])


class AccessesForm(forms.Form):
    patient = forms.CharField(label="Patient number", required=False, max_length=50)
    person = forms.ModelChoiceField(User.objects.order_by("username"), required=False, empty_label="Anybody")
    day = DayField(required=False)
    each = forms.BooleanField(label="Each entry on a line of its own", required=False)

    def get_accesses(self) -> QuerySet[Access]:
        """Return the accesses that match the form, none if it is not valid."""
        accesses = Access.objects.annotate(
            person_name=name_at("person_id", "seen_at"),
            full_name=full_name("person"),
            file=Case(When(file_rows__isnull=False, then=F("access_id"))),
        ).defer("file_patients")
        if not self.is_valid():
            return accesses.none()
        filters = self.cleaned_data
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

    @property
    def patient_number(self) -> str:
        """The number of the patient whose accesses are listed, '' for all."""
        return str(self.cleaned_data.get("patient", "")) if self.is_valid() else ""


@method_decorator(cache_control(no_store=True), name="dispatch")
class Accesses(UserPassesTestMixin, View):
    """Groups of repeated accesses; with a `group` in the address, each access of that group."""

    http_method_names = ["get", "head"]

    def test_func(self) -> bool:
        return admin.site.has_permission(self.request) and self.request.user.has_perm(VIEW)

    def get(self, request: HttpRequest) -> HttpResponse:
        form = AccessesForm(request.GET)
        accesses, after = form.get_accesses(), get_last_id(request)
        code = request.GET.get("group", "")
        if code or request.GET.get("each"):
            rows = get_group(accesses, GROUPING, code) if code else accesses
            page = get_page(rows, "seen_at", after)
            older, is_newest = page.older, page.is_newest
            entries = make_entries(request.user, [[access] for access in page.rows], form.patient_number)
        else:
            groups = get_group_page(accesses, GROUPING, after)
            older, is_newest = groups.older, groups.is_newest
            entries = self._make_group_entries(accesses, groups.groups, form.patient_number)
        only = [form.patient_number] if form.patient_number else []
        record_patient_access(only or (number for entry in entries for number in entry.patients))
        context = {
            **admin.site.each_context(request),
            "title": f"Access log of patient {form.patient_number}" if form.patient_number else "Access log",
            "form": form,
            "entries": entries,
            "is_group": bool(code),
            "older": older,
            "is_newest": is_newest,
        }
        return render(request, "audit/accesses.html", context)

    def _make_group_entries(
        self, accesses: QuerySet[Access], groups: Sequence[Group], patient: str
    ) -> list[AccessEntry]:
        found = accesses.in_bulk([key for group in groups for key in group.keys])
        rows = [[found[key] for key in group.keys] for group in groups]
        return make_entries(self.request.user, rows, patient, [group.code for group in groups])


def _shows(patient: str) -> Q:
    """Return the condition for pages and parts of files with a patient."""
    parts = Q(patient_ids__overlap=get_possible_beginnings(patient), file_patients__contains=[patient])
    return Q(patient_ids__contains=[patient], file_patients=None) | parts
