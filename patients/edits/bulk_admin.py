"""The actions of the list of records: export the selection, or change many records at once after a preview."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from import_export.formats.base_formats import CSV, XLSX, Format

from healthtrack.imports.pages.exporting import get_label
from patients.edits.bulk_actions import BULK_ACTIONS, BulkAction, ChangedMeanwhileError
from patients.fhir.exporting import FhirBundle, FhirNdjson
from patients.filters.records import RecordFilter
from patients.models import MedicalRecord

_EXPORTS: dict[str, type[Format]] = {
    "export_csv": CSV,
    "export_xlsx": XLSX,
    "export_fhir_bundle": FhirBundle,
    "export_fhir_ndjson": FhirNdjson,
}
CHANGED_MEANWHILE = "Somebody changed these records. Nothing was done: check the number, and confirm again."
Action = Callable[[Any, HttpRequest, QuerySet[MedicalRecord]], HttpResponseBase | None]


class BulkAdmin(admin.ModelAdmin[MedicalRecord]):
    """Replaces Django's action that deletes the selected rows, which asks no question about their number."""

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        for each in BULK_ACTIONS:
            if request.user.has_perm(f"patients.{each.permission}_medicalrecord"):
                actions[each.code] = (_make_action(each), each.code, each.label)
        if self.has_export_permission(request):  # type: ignore[attr-defined]  # of the importable admin
            for code, file_format in _EXPORTS.items():
                label = f"Export the selection as {get_label(file_format)}"
                actions[code] = (_make_export(file_format), code, label)
        return actions

    def run_bulk_action(
        self, request: HttpRequest, records: QuerySet[MedicalRecord], action: BulkAction
    ) -> HttpResponse | None:
        """Show a preview of the action; apply it once the person has confirmed the number of records."""
        is_answered = "step" in request.POST or not action.form_class.base_fields
        form = action.form_class(request.POST if is_answered else None)
        if not form.is_bound or not form.is_valid():
            return self._show_bulk_page(request, records, action, form)
        if error := action.find_error(records, form.cleaned_data):
            form.add_error(None, error)
            return self._show_bulk_page(request, records, action, form)
        affected = action.affected(records, form.cleaned_data).count()
        if request.POST.get("step") != "confirm" or request.POST.get("count", "").replace(",", "").strip() != str(
            affected
        ):
            return self._show_bulk_page(request, records, action, form, affected)
        try:
            run = action.apply(records, form.cleaned_data, affected, request.user)  # type: ignore[arg-type]  # a signed-in person
        except ChangedMeanwhileError:
            affected = action.affected(records, form.cleaned_data).count()
            form.add_error(None, CHANGED_MEANWHILE)
            return self._show_bulk_page(request, records, action, form, affected)
        page = reverse("admin:imports_importrun_change", args=[run.pk])
        words = '{}. To undo this, <a href="{}">open {}</a>.'
        self.message_user(request, format_html(words, run.title, page, str(run).lower()), messages.SUCCESS)
        return None

    def _show_bulk_page(
        self,
        request: HttpRequest,
        records: QuerySet[MedicalRecord],
        action: BulkAction,
        form: forms.Form,
        affected: int | None = None,
    ) -> HttpResponse:
        selected = request.POST.getlist(ACTION_CHECKBOX_NAME)
        context = {
            **self.admin_site.each_context(request),
            "title": action.label,
            "opts": self.opts,
            "action": action,
            "form": form,
            "selected_count": records.count(),
            "affected": affected,
            "is_wrong": request.POST.get("step") == "confirm",
            "filters": list(RecordFilter(request.GET).active_filters),
            "selected": selected,
            "checkbox_name": ACTION_CHECKBOX_NAME,
            "select_across": request.POST.get("select_across", "0"),
        }
        return TemplateResponse(request, "patients/bulk-action.html", context)


def _make_action(action: BulkAction) -> Action:
    def run(model_admin: Any, request: HttpRequest, records: QuerySet[MedicalRecord]) -> HttpResponseBase | None:
        response: HttpResponse | None = model_admin.run_bulk_action(request, records, action)
        return response

    return run


def _make_export(file_format: type[Any]) -> Action:
    def export(model_admin: Any, request: HttpRequest, records: QuerySet[MedicalRecord]) -> HttpResponseBase:
        response: HttpResponseBase = model_admin._do_file_export(file_format(), request, records)
        return response

    return export
