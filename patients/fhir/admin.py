"""The admin's exports of records as FHIR: of a list, and of one record."""

from pathlib import Path
from typing import Any

from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.forms import Form
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from import_export.formats.base_formats import CSV, XLSX, Format

from healthtrack.core.admin import NUL
from healthtrack.imports.pages.exporting import StreamedExport
from patients.fhir.export_parts import has_more_on_request, list_parts
from patients.fhir.exporting import (
    FhirBundle,
    FhirFormat,
    FhirNdjson,
    FhirWithReadings,
    stream,
)
from patients.models import MedicalRecord


class FhirAdmin(StreamedExport):
    """Adds FHIR to the formats of the export page, and a download of one record to its page."""

    export_formats = [CSV, XLSX, FhirBundle, FhirNdjson, FhirWithReadings]

    def init_request_context_data(self, request: HttpRequest, form: Form) -> dict[str, Any]:
        if not has_more_on_request(request.user):
            choices: Any = form.fields["format"]
            choices.choices = [(value, label) for value, label in choices.choices if label != FhirWithReadings.label]
        return super().init_request_context_data(request, form)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.export_record)
        return [path("<path:object_id>/fhir/", view, name="patients_medicalrecord_fhir"), *super().get_urls()]

    @method_decorator([require_safe, never_cache])
    def export_record(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Return the record with what belongs to it as a Bundle, or with its readings as NDJSON on request."""
        if not self.has_export_permission(request):
            raise PermissionDenied
        number = unquote(object_id)
        records = MedicalRecord.objects.filter(pk=number)
        if NUL in number or not records:
            raise Http404
        file_format = FhirWithReadings() if "readings" in request.GET else FhirBundle()
        return self._do_file_export(file_format, request, records)

    def _do_file_export(
        self, file_format: Format, request: HttpRequest, queryset: QuerySet[Model], export_form: object = None
    ) -> HttpResponseBase:
        if not isinstance(file_format, FhirFormat):
            return super()._do_file_export(file_format, request, queryset, export_form)
        rows: Any = self.get_export_rows(request, queryset)
        name = Path(self.get_export_filename(request, queryset, file_format)).name
        return stream(rows, file_format, name, list_parts(request.user, with_all=file_format.has_all))
