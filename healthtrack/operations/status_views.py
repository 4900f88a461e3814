"""The page *System status*, and the form that records a restore drill."""

from typing import Any, ClassVar, cast

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.mixins import UserPassesTestMixin
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Exists, F, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import cache_control

from healthtrack import __version__
from healthtrack.accounts import mail
from healthtrack.accounts.models import AuthenticatorApp
from healthtrack.accounts.sign_in import key_rotation, second_factor
from healthtrack.core.date_formats import get_today
from healthtrack.core.forms.fields import CleanedCharField
from healthtrack.core.forms.widgets import DayInput
from healthtrack.imports.models import ImportRun, State
from healthtrack.operations import database_size, status
from healthtrack.operations.models import Backup, Restore, RestoreDrill
from healthtrack.operations.postgresql_releases import MAJOR

VIEW, RECORD = "operations.view_systemstatus", "operations.add_restoredrill"
PEOPLE_SHOWN = 20
FAILED_RUNS_SHOWN = 5
MAX_MINUTES = 7 * 24 * 60


class DrillForm(forms.ModelForm[RestoreDrill]):
    file_name = CleanedCharField(label="Backup file", max_length=Restore.MAX_NAME)
    minutes = forms.IntegerField(label="Duration in minutes", min_value=1, max_value=MAX_MINUTES)
    succeeded = forms.BooleanField(label="The restored database was complete", required=False)
    note = CleanedCharField(
        label="What you compared, or what failed",
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Name no patient.",
    )

    class Meta:
        model = RestoreDrill
        fields = ("done_on", "file_name", "minutes", "succeeded", "note")
        labels: ClassVar = {"done_on": "Day of the drill"}
        widgets: ClassVar = {"done_on": DayInput}

    def clean_done_on(self) -> Any:
        """Return the day, which is not in the future."""
        day = self.cleaned_data["done_on"]
        if day > get_today():
            raise forms.ValidationError("The day of the drill is in the future.")
        return day


class AdministrationPage(UserPassesTestMixin, View):
    permission: ClassVar[str]

    def test_func(self) -> bool:
        return admin.site.has_permission(self.request) and self.request.user.has_perm(self.permission)

    def page(self, template: str, title: str, context: dict[str, object]) -> HttpResponse:
        frame = {**admin.site.each_context(self.request), "title": title}
        return render(self.request, f"operations/{template}.html", {**frame, **context})


@method_decorator(cache_control(no_store=True), name="dispatch")
class SystemStatus(AdministrationPage):
    http_method_names = ["get", "head"]
    permission = VIEW

    def get(self, request: HttpRequest) -> HttpResponse:
        facts, disk, size = status.read_facts(), status.read_disk(), database_size.measure()
        without_factor = find_people_without_second_factor()
        number_without = without_factor.count()
        context = {
            "version": __version__,
            "server_version": ".".join(map(str, divmod(connection.pg_version, MAJOR))),  # type: ignore[attr-defined]  # of the PostgreSQL backend
            "facts": facts,
            "warnings": status.list_warnings(facts, disk),
            "key_problems": key_rotation.describe_problems(),
            "failed_runs": find_failed_runs(),
            "backup": Backup.objects.order_by("-backup_id").first(),
            "drill": RestoreDrill.objects.order_by("-done_on", "-drill_id").first(),
            "restore": Restore.objects.first(),
            "disk": disk,
            "size": size,
            "growth": database_size.get_growth(size),
            "replicas": status.list_replicas(),
            "retention_months": settings.ACCESS_LOG_MONTHS,
            "has_mail": mail.is_configured(),
            "is_factor_required": second_factor.is_part_of_sign_in(request),
            "people": without_factor[:PEOPLE_SHOWN],
            "number_of_people": number_without,
            "more_people": max(number_without - PEOPLE_SHOWN, 0),
        }
        return self.page("status", "System status", context)


class RecordDrill(AdministrationPage):
    http_method_names = ["get", "head", "post"]
    permission = RECORD

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(DrillForm(initial={"done_on": get_today()}))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = DrillForm(request.POST)
        if not form.is_valid():
            return self.show(form)
        form.instance.recorded_by = cast("User", request.user)
        form.save()
        messages.success(request, "The restore drill is recorded.")
        return redirect("system-status")

    def show(self, form: DrillForm) -> HttpResponse:
        return self.page("drill", "Record a restore drill", {"form": form})


def find_people_without_second_factor() -> QuerySet[User]:
    """Return the active accounts without an authenticator app in use, by name."""
    has_app = Exists(AuthenticatorApp.objects.filter(user=OuterRef("pk"), confirmed=True))
    return User.objects.filter(~has_app, is_active=True).order_by("username")


def find_failed_runs() -> QuerySet[ImportRun]:
    """Return the latest imports that failed, each with the user name of its `person`."""
    failed = ImportRun.objects.filter(state=State.FAILED).annotate(person=F("started_by__username"))
    return failed.order_by("-run_id")[:FAILED_RUNS_SHOWN]
