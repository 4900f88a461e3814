"""django-import-export's admin, changed so that uploads become import runs, and exports are streamed."""

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from healthtrack.imports import registry
from healthtrack.imports.importer import Importer
from healthtrack.imports.pages.exporting import StreamedExport
from healthtrack.imports.pages.upload_templates import UploadHelp
from healthtrack.imports.pages.upload_view import show_upload_page


class ImportExportAdmin(UploadHelp, StreamedExport):  # type: ignore[misc]  # both say which model, untyped
    """The admin of a model whose importer is registered under the model's own label."""

    @property
    def importer(self) -> Importer:
        return registry.get(self.opts.label_lower)

    def has_import_permission(self, request: HttpRequest) -> bool:
        return self.importer.may_import(request.user)

    def get_urls(self) -> list[URLPattern]:
        """Leave out django-import-export's confirmation page: the page of the run takes its place."""
        return [pattern for pattern in super().get_urls() if not str(pattern.name).endswith("_process_import")]

    @method_decorator([csrf_exempt, never_cache])
    def import_action(self, request: HttpRequest, **kwargs: object) -> HttpResponse:
        return show_upload_page(request, self.importer.name, self.admin_site.each_context(request))
