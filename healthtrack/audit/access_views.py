"""Who saw a patient, what a person saw, and both by day; opening it is an access too."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django import forms
from django.contrib import admin
from django.contrib.auth.mixins import UserPassesTestMixin
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import cache_control

from healthtrack.audit.access_recorder import saw
from healthtrack.audit.admin_history import change_asked
from healthtrack.audit.models import Access
from healthtrack.core.widgets import DayInput

VIEW = "audit.view_access"
ROWS_A_PAGE = 50
PATIENTS_A_ROW = 10
WORDS = {
    "home": "Read the latest changes on Home",
    "accesses": "Read who saw what",
    "changes": "Read the list of changes",
    "admin:index": "Read their own latest changes",
    "admin:patients_medicalrecord_change": "Opened the record",
    "admin:patients_medicalrecord_changelist": "Read the list of records",
    "admin:patients_medicalrecord_delete": "Was asked whether to delete the record",
    "admin:patients_medicalrecord_export": "Exported records",
    "admin:patients_medicalrecord_history": "Read the record's history",
    "admin:imports_importrun_change": "Read the rows of an import",
    "admin:imports_importrun_faulty": "Took out the faulty rows of an import",
    "admin:imports_importrun_undo": "Was asked whether to undo an import",
    "reports:without-tracker": "Read the report of patients without a tracker",
}


class AccessesForm(forms.Form):
    patient = forms.CharField(label="Patient number", required=False, max_length=50)
    person = forms.ModelChoiceField(User.objects.order_by("username"), required=False, empty_label="Anybody")
    day = forms.DateField(required=False, widget=DayInput)


@dataclass(frozen=True)
class Row:
    access: Access
    patients: Sequence[str]
    others: int

    @property
    def words(self) -> str:
        return WORDS.get(self.access.page, self.access.page)


@method_decorator(cache_control(no_store=True), name="dispatch")
class Accesses(UserPassesTestMixin, View):
    http_method_names = ["get", "head"]

    def test_func(self) -> bool:
        return admin.site.has_permission(self.request) and self.request.user.has_perm(VIEW)

    def get(self, request: HttpRequest) -> HttpResponse:
        form = AccessesForm(request.GET)
        found = list(self._asked(form)[: ROWS_A_PAGE + 1]) if form.is_valid() else []
        patient = form.cleaned_data.get("patient", "") if form.is_valid() else ""
        rows = list(_rows(found[:ROWS_A_PAGE], patient))
        saw([patient] if patient else [number for row in rows for number in row.patients])
        context = {
            **admin.site.each_context(request),
            "title": f"Who saw patient {patient}" if patient else "Who saw what",
            "form": form,
            "rows": rows,
            "older": found[ROWS_A_PAGE - 1].pk if len(found) > ROWS_A_PAGE else None,
            "is_newest": "after" not in request.GET,
        }
        return render(request, "audit/accesses.html", context)

    def _asked(self, form: AccessesForm) -> QuerySet[Access]:
        accesses = Access.objects.select_related("person").order_by("-seen_at", "-access_id")
        asked = form.cleaned_data
        if asked["patient"]:
            accesses = accesses.filter(patient_ids__contains=[asked["patient"]])
        if asked["person"]:
            accesses = accesses.filter(person=asked["person"])
        if day := asked["day"]:
            start = timezone.make_aware(datetime.combine(day, time()))
            accesses = accesses.filter(seen_at__gte=start, seen_at__lt=start + timedelta(days=1))
        after = change_asked(self.request)
        if last := after and Access.objects.filter(pk=after).first():
            earlier = Q(seen_at__lt=last.seen_at) | Q(seen_at=last.seen_at, access_id__lt=last.pk)
            accesses = accesses.filter(earlier, seen_at__lte=last.seen_at)
        return accesses


def _rows(accesses: Sequence[Access], patient: str) -> Iterator[Row]:
    """Of many patients the first few are named, or the one asked for alone."""
    for access in accesses:
        shown = [patient] if patient else access.patient_ids[:PATIENTS_A_ROW]
        yield Row(access, shown, len(access.patient_ids) - len(shown))
