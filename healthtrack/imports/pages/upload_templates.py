"""Template files to fill in: a header and example rows, which can be imported without errors."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.text import slugify
from import_export.admin import ImportExportModelAdmin
from import_export.formats.base_formats import CSV, XLSX
from tablib.core import Dataset

from healthtrack.imports.tables.resources import BulkModelResource
from healthtrack.imports.tabular.upload_help import TEMPLATE_FORMATS, list_example_rows, list_headers, template_url_name

_FORMATS = dict(zip(TEMPLATE_FORMATS, (CSV, XLSX), strict=True))


class UploadHelp(ImportExportModelAdmin):
    """A model admin with a page that sends template files."""

    resource_classes: list[type[BulkModelResource]]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.import_template)
        return [path("import/template/", view, name=self._template_url_name), *super().get_urls()]

    def import_template(self, request: HttpRequest) -> HttpResponse:
        """Return the template file in the requested format."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        extension = request.GET.get("format", "")
        if extension not in _FORMATS:
            raise Http404(f"There is no template in this format. Choose {' or '.join(_FORMATS)}.")
        resource = self.resource_classes[0]()
        table = Dataset(*list_example_rows(resource), headers=list_headers(resource))
        file = _FORMATS[extension]()
        return HttpResponse(
            file.export_data(table),
            content_type=file.get_content_type(),
            headers={"Content-Disposition": f'attachment; filename="{self._file_name}.{extension}"'},
        )

    @property
    def _template_url_name(self) -> str:
        return template_url_name(self.opts.model)

    @property
    def _file_name(self) -> str:
        return f"{slugify(str(self.opts.verbose_name_plural))}-template"
