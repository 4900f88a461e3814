from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Model, QuerySet
from django.forms import ChoiceField, HiddenInput
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from import_export.formats.base_formats import CSV, XLSX, Format
from import_export.forms import ConfirmImportForm, ExportForm

from healthtrack.imports.formats import DataFile
from healthtrack.imports.receiving import UploadForm
from healthtrack.imports.resources import SetResource
from healthtrack.imports.results import ImportResult
from healthtrack.imports.template_files import UploadHelp
from healthtrack.imports.uploads import UploadStorage, forget_old_uploads


class ConfirmForm(ConfirmImportForm):
    """Takes what the preview page gave, and nothing else: there is one format and one resource."""

    format = ChoiceField(choices=[("0", "")], widget=HiddenInput)  # type: ignore[assignment]
    resource = ChoiceField(choices=[("0", "")], widget=HiddenInput, required=False)  # type: ignore[assignment]


class ImportExportAdmin(UploadHelp):
    """django-import-export's admin, its uploads read and applied by the import engine."""

    resource_classes: list[type[SetResource]]
    import_formats = [DataFile]
    import_form_class = UploadForm
    export_formats = [CSV, XLSX]
    export_form_class = ExportForm  # type: ignore[assignment]  # all columns, so that every export can be imported again
    confirm_form_class = ConfirmForm
    import_template_name = "imports/import.html"
    tmp_storage_class = UploadStorage  # type: ignore[assignment]

    def get_import_context_data(self, **_: object) -> dict[str, object]:
        return {"help": self.upload_help()}

    def write_to_tmp_storage(self, import_file: UploadedFile[bytes], input_format: Format) -> UploadStorage:
        storage = UploadStorage()
        storage.save(import_file.chunks())
        return storage

    def has_import_permission(self, request: HttpRequest) -> bool:
        """The preview shows stored values beside the file's, to whom may see them."""
        return bool(super().has_import_permission(request)) and self.has_view_permission(request)

    def has_export_permission(self, request: HttpRequest) -> bool:
        return bool(super().has_export_permission(request)) and self.has_view_permission(request)

    def get_export_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        """Without what only the list shows: prefetched rows would have the export read page by page."""
        rows: QuerySet[Model] = super().get_export_queryset(request)
        return rows.prefetch_related(None)

    def import_action(self, request: HttpRequest, **kwargs: object) -> HttpResponse:
        forget_old_uploads()
        response: TemplateResponse = super().import_action(request, **kwargs)
        context = response.context_data or {}
        if "result" in context and "confirm_form" not in context:
            upload = context["form"].cleaned_data["import_file"]
            UploadStorage(name=upload.tmp_storage_name).remove()
        return response

    def process_import(self, request: HttpRequest, **kwargs: object) -> HttpResponse:
        if request.method == "POST" and self.has_import_permission(request) and not self._is_confirmed(request):
            return self._upload_again(request)
        try:
            response: HttpResponse = super().process_import(request, **kwargs)
        except FileNotFoundError:  # imported meanwhile, by a second click
            return self._upload_again(request)
        return response

    def _is_confirmed(self, request: HttpRequest) -> bool:
        upload = UploadStorage(name=request.POST.get("import_file_name", ""))
        return upload.exists and bool(self.create_confirm_form(request).is_valid())

    def _upload_again(self, request: HttpRequest) -> HttpResponse:
        messages.error(request, "This upload is gone: it was imported already, or is too old. Upload the file again.")
        return HttpResponseRedirect(reverse("admin:{}_{}_import".format(*self.get_model_info())))

    def process_result(self, result: ImportResult, request: HttpRequest) -> HttpResponse:
        if not result.faults:
            response: HttpResponse = super().process_result(result, request)
            return response
        context = {
            **self.admin_site.each_context(request),
            "title": "Import",
            "opts": self.opts,
            "result": result,
        }
        return TemplateResponse(request, self.import_template_name, context)

    def add_success_message(self, result: ImportResult, request: HttpRequest) -> None:
        messages.success(request, f"Imported. {' '.join(f'{line}.' for line in result.summary())}")
