"""Stream the rows of a list as a file that can be imported again."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from django import forms
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from import_export.admin import ImportExportModelAdmin
from import_export.formats.base_formats import CSV, XLSX, Format
from import_export.forms import ExportForm
from import_export.signals import post_export

from healthtrack.core.downloads.responses import FORMATS, Sheet, stream_rows
from healthtrack.core.replicas.routing import choose, read_from
from healthtrack.imports.tables.resources import BulkModelResource

EXPORTED = "_exported_rows"


def get_label(file_format: type[Format]) -> str:
    """Return what people call a format: its own label, or CSV and XLSX, which the package writes in lower case."""
    return str(getattr(file_format, "label", "")) or file_format().get_title().upper()


class FormatForm(ExportForm):
    """The form of the export page, with the first format selected."""

    def __init__(self, formats: Sequence[type[Format]], *args: Any, **kwargs: Any) -> None:
        super().__init__(formats, *args, **kwargs)
        choices = [(str(place), get_label(each)) for place, each in enumerate(formats)]
        self.fields["format"] = forms.ChoiceField(choices=choices, initial="0", widget=forms.RadioSelect)


class StreamedExport(ImportExportModelAdmin):
    """django-import-export's export page, changed to stream the file instead of building it in memory."""

    resource_classes: list[type[BulkModelResource]]
    export_formats = [CSV, XLSX]
    export_form_class = FormatForm  # type: ignore[assignment]  # all columns, so that every export can be imported again

    def has_export_permission(self, request: HttpRequest) -> bool:
        return bool(super().has_export_permission(request)) and self.has_view_permission(request)

    def get_export_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows of the list with its filters. They are found once for each request."""
        if EXPORTED not in request.__dict__:
            request.__dict__[EXPORTED] = super().get_export_queryset(request)
        rows: QuerySet[Any] = request.__dict__[EXPORTED]
        return rows

    def init_request_context_data(self, request: HttpRequest, form: forms.Form) -> dict[str, Any]:
        context: dict[str, Any] = super().init_request_context_data(request, form)
        changelist = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        return {
            **context,
            "row_count": self.get_export_queryset(request).count(),
            "filters": list(self.describe_filters(request)),
            "list_address": f"{changelist}?{request.GET.urlencode()}",
        }

    def describe_filters(self, request: HttpRequest) -> Iterable[tuple[str, str]]:
        """Return the label and the value of each filter in use, and the search."""
        changelist: Any = self.get_changelist_instance(request)
        yield from ((active.label, active.value) for active, _ in changelist.active_filters)
        if changelist.query:
            yield "search", changelist.query

    def get_valid_export_item_pks(self, request: HttpRequest) -> list[str]:
        """Return the keys of the selected rows. The base class would read the keys of all rows to validate them."""
        return request.POST.getlist("export_items")

    def get_export_rows(self, request: HttpRequest, queryset: QuerySet[Model]) -> Iterator[tuple[Any, ...]]:
        """Return the values of the rows, in the order of the resource's columns, read as they are needed."""
        columns = self.resource_classes[0]().get_export_fields()
        # The list prefetches related rows. The export does not need them, and could not stream with them.
        values = (column.widget.get_export(column.attribute) for column in columns)
        rows = queryset.prefetch_related(None).values_list(*values)
        with read_from(choose(request)):
            return stream_rows(rows)

    def _do_file_export(
        self, file_format: Format, request: HttpRequest, queryset: QuerySet[Model], export_form: object = None
    ) -> HttpResponseBase:
        columns = self.resource_classes[0]().get_export_fields()
        renders = [column.widget.render for column in columns]
        rendered = (
            [render(value) for render, value in zip(renders, row, strict=True)]
            for row in self.get_export_rows(request, queryset)
        )
        name = Path(self.get_export_filename(request, queryset, file_format))
        sheet = Sheet(name.stem, [column.column_name for column in columns], rendered, is_escaped=True)
        post_export.send(sender=None, model=self.model)
        return FORMATS[name.suffix.removeprefix(".")](sheet)
