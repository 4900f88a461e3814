"""The pages of imports in the admin: the list of runs, the upload page, and those of each run."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from healthtrack.accounts.pages.list_admin import PersonalListAdmin
from healthtrack.imports import registry
from healthtrack.imports.life_cycle.unseen import mark_as_seen
from healthtrack.imports.models import ImportRun
from healthtrack.imports.pages import chunk_views
from healthtrack.imports.pages.profile_admin import ReadingProfileAdmin
from healthtrack.imports.pages.run_pages import RunPages
from healthtrack.imports.pages.upload_view import show_upload_page
from healthtrack.imports.permissions import can_upload, can_view_runs, get_visible_runs

__all__ = ["ImportRunAdmin", "ReadingProfileAdmin"]


class ImporterFilter(admin.SimpleListFilter):
    title = "type"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(importer.name, importer.label.capitalize()) for importer in registry.importers()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ImportRun]) -> QuerySet[ImportRun]:
        return queryset.filter(importer=self.value()) if self.value() else queryset


class DuplicatesFilter(admin.SimpleListFilter):
    title = "duplicate rows"
    parameter_name = "duplicates"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Combined")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ImportRun]) -> QuerySet[ImportRun]:
        return queryset.filter(result__merged__gt=0) if self.value() else queryset


@admin.register(ImportRun)
class ImportRunAdmin(RunPages, PersonalListAdmin):
    """Pages for people who may import this type of data, and for people who may view all imports without the rows."""

    first_step = "Press Upload a file. A preview shows what it would change, before anything is changed."

    list_display = ("number", "title", "importer_label", "state_label", "rows_read", "person", "started_at", "duration")
    list_display_links = ("number", "title")
    extra_columns = ("finished_at",)
    list_filter = ("state", ImporterFilter, DuplicatesFilter, ("started_by", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("started_by",)
    ordering = ("-run_id",)
    change_list_template = "imports/run-list.html"

    def has_view_permission(self, request: HttpRequest, obj: ImportRun | None = None) -> bool:
        return can_view_runs(request.user)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return get_visible_runs(request.user).order_by(*self.ordering)

    def get_urls(self) -> list[URLPattern]:
        upload = self.admin_site.admin_view(self.upload_view)
        return [
            path("upload/", upload, name="imports_importrun_new"),
            path("upload/<str:importer>/", upload, name="imports_importrun_upload"),
            *chunk_views.make_addresses(self.admin_site),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        mark_as_seen(request)
        return super().changelist_view(request, {**(extra_context or {}), "may_upload": can_upload(request.user)})

    @method_decorator([csrf_exempt, never_cache])
    def upload_view(self, request: HttpRequest, importer: str = "") -> HttpResponse:
        """Show the upload form, which suggests an importer if the address has its name."""
        if importer and importer not in registry.names():
            raise Http404
        return show_upload_page(request, importer, self.admin_site.each_context(request))

    @admin.display(description="import", ordering="run_id")
    def number(self, run: ImportRun) -> str:
        return f"{run.run_id}"

    @admin.display(description="file")
    def title(self, run: ImportRun) -> str:
        return run.title

    @admin.display(description="type", ordering="importer")
    def importer_label(self, run: ImportRun) -> str:
        return registry.get(run.importer).label.capitalize()

    @admin.display(description="state", ordering="state")
    def state_label(self, run: ImportRun) -> str:
        return format_html('<span class="badge {}">{}</span>', run.badge_class, run.state_label)

    @admin.display(description="rows")
    def rows_read(self, run: ImportRun) -> str:
        merged = run.result.get("merged")
        return f"{run.row_count:,}, {merged:,} combined" if merged else f"{run.row_count:,}"

    @admin.display(description="person", ordering="started_by")
    def person(self, run: ImportRun) -> str:
        return str(run.started_by or "command line")

    @admin.display(description="duration")
    def duration(self, run: ImportRun) -> str:
        return f"{run.seconds:.1f} s" if run.seconds else ""
