from datetime import date
from typing import ClassVar
from urllib.parse import quote as urlquote

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth.mixins import UserPassesTestMixin
from django.contrib.auth.models import AnonymousUser, User
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import cache_control

from patients.models import MedicalRecord
from reports.downloads import FORMATS, Sheet
from reports.parameters import ParameterError, day_asked, format_asked, page_asked
from reports.queries.age_groups import patients_by_age_group
from reports.queries.brands import patients_by_brand
from reports.queries.without_tracker import (
    Patient,
    count_patients_without_tracker,
    patients_without_tracker,
    patients_without_tracker_between,
)

PATIENTS_A_PAGE = 50


class StaffPage(UserPassesTestMixin, View):
    http_method_names = ["get", "head"]

    def page(self, template: str, context: dict[str, object], status: int = 200) -> HttpResponse:
        frame = admin.site.each_context(self.request)
        return render(self.request, f"reports/{template}.html", {**frame, **context}, status=status)


@method_decorator(cache_control(no_store=True), name="dispatch")
class Report(StaffPage):
    """A question about the patients, answered as a page and as files."""

    name: ClassVar[str]
    title: ClassVar[str]
    question: ClassVar[str]
    permission: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]
    do_not_call_in_templates = True

    @classmethod
    def open_to(cls, user: User | AnonymousUser) -> bool:
        return user.is_staff and user.has_perm(cls.permission)

    def test_func(self) -> bool:
        return self.open_to(self.request.user)

    def get(self, request: HttpRequest) -> HttpResponseBase:
        try:
            file_format = format_asked(request.GET.get("format", ""), FORMATS)
            if file_format:
                return FORMATS[file_format](self.sheet())
            return self.page(self.name, {**self.heading(), **self.answer(), "formats": FORMATS})
        except ParameterError as fault:
            return self.page("fault", {**self.heading(), "fault": fault}, status=400)

    def heading(self) -> dict[str, object]:
        return {"title": self.title, "report": self, "counted_at": timezone.now()}

    def answer(self) -> dict[str, object]:
        raise NotImplementedError

    def sheet(self) -> Sheet:
        raise NotImplementedError

    def file_name(self, day: date) -> str:
        return f"{self.name}-{day.isoformat()}"


class PatientsByAgeGroup(Report):
    name = "age-groups"
    title = "Patients by age group"
    question = "How old are the patients?"
    permission = "reports.view_aggregates"
    columns = ("Age group", "Patients")

    def answer(self) -> dict[str, object]:
        as_of = self.as_of()
        return {"as_of": as_of, "ages": patients_by_age_group(as_of)}

    def sheet(self) -> Sheet:
        as_of = self.as_of()
        rows = [(group.ages, group.patients) for group in patients_by_age_group(as_of).groups]
        return Sheet(self.file_name(as_of), self.columns, rows)

    def as_of(self) -> date:
        return day_asked(self.request.GET.get("as_of", ""))


class PatientsWithoutTracker(Report):
    name = "without-tracker"
    title = "Patients without a tracker"
    question = "Which patients are linked to no tracker model?"
    permission = "reports.view_named_lists"
    columns = ("Patient number", "Name")

    def answer(self) -> dict[str, object]:
        total = count_patients_without_tracker()
        pages = Paginator(range(total), PATIENTS_A_PAGE)
        number, other_page = page_asked(self.request.GET.get("page", ""), pages.num_pages)
        start = (number - 1) * PATIENTS_A_PAGE
        patients = patients_without_tracker_between(start, start + PATIENTS_A_PAGE)
        return {
            "total": total,
            "other_page": other_page,
            "page": pages.page(number),
            "page_numbers": pages.get_elided_page_range(number),
            "rows": self.with_addresses(patients),
            "any_patient": total > 0 or MedicalRecord.objects.exists(),
        }

    def sheet(self) -> Sheet:
        return Sheet(self.file_name(timezone.localdate()), self.columns, patients_without_tracker())

    def with_addresses(self, patients: list[Patient]) -> list[tuple[Patient, str]]:
        """Each patient with the address of the record; an empty one for who may not see it."""
        if not admin.site.get_model_admin(MedicalRecord).has_view_permission(self.request):
            return [(patient, "") for patient in patients]
        # Each look-up of an address takes as long as showing the row: one serves the whole page.
        records = reverse("admin:patients_medicalrecord_changelist")
        return [(patient, f"{records}{urlquote(quote(patient.patient_id))}/change/") for patient in patients]


class PatientsByBrand(Report):
    name = "brands"
    title = "Patients by tracker brand"
    question = "How many patients use a tracker of each brand?"
    permission = "reports.view_aggregates"
    columns = ("Brand", "Patients")

    def answer(self) -> dict[str, object]:
        return {"use": patients_by_brand()}

    def sheet(self) -> Sheet:
        rows = [(brand.name, brand.patients) for brand in patients_by_brand().brands]
        return Sheet(self.file_name(timezone.localdate()), self.columns, rows)


REPORTS: tuple[type[Report], ...] = (PatientsByAgeGroup, PatientsWithoutTracker, PatientsByBrand)


class Index(StaffPage):
    def test_func(self) -> bool:
        return any(report.open_to(self.request.user) for report in REPORTS)

    def get(self, _: HttpRequest) -> HttpResponse:
        reports = [report for report in REPORTS if report.open_to(self.request.user)]
        return self.page("index", {"title": "Reports", "reports": reports})
