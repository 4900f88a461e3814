"""The desk of those who import: the list of runs, and a page for each."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from healthtrack.accounts.middleware import UNATTENDED
from healthtrack.audit.access_recorder import saw
from healthtrack.core.admin import CarefulPages
from healthtrack.imports import heartbeat, preview_queries, runs
from healthtrack.imports.admin_mixins import ImportExportAdmin
from healthtrack.imports.error_report import faulty_file
from healthtrack.imports.models import ImportRun, State
from healthtrack.imports.run_view import RunPage
from healthtrack.imports.tasks import apply_import, resource_of
from healthtrack.imports.undo import service as undo_service

if TYPE_CHECKING:
    from django.contrib.auth.models import User

TOLD_PERCENT = 10  # a screen reader is told no oftener
VIEW_ALL = "imports.view_importrun"
UNDO = "imports.undo_importrun"
CANNOT_BE_UNDONE = "This import cannot be undone any more; look at how it stands."


class KindFilter(admin.SimpleListFilter):
    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        admins = model_admin.importers().items()
        return [(kind, str(importer.opts.verbose_name_plural).capitalize()) for kind, importer in admins]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ImportRun]) -> QuerySet[ImportRun]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(ImportRun)
class ImportRunAdmin(CarefulPages):
    """For who may import rows of the kind, and without a look at these for who may see all imports."""

    list_display = ("number", "file_name", "kind_label", "state_label", "rows", "person", "started_at", "took")
    list_filter = ("state", KindFilter, ("started_by", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("started_by",)
    ordering = ("-run_id",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ImportRun | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ImportRun | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: ImportRun | None = None) -> bool:
        return request.user.has_perm(VIEW_ALL) or bool(self._kinds_to_import(request))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found = super().get_queryset(request)
        return found if request.user.has_perm(VIEW_ALL) else found.filter(kind__in=self._kinds_to_import(request))

    def importers(self) -> dict[str, ImportExportAdmin]:
        """The admins that import, by the kind of their runs."""
        registered = self.admin_site._registry.items()
        return {model._meta.label_lower: each for model, each in registered if isinstance(each, ImportExportAdmin)}

    def get_urls(self) -> list[URLPattern]:
        """Those of looking: nobody adds, changes or deletes an import here."""
        own = {
            "progress": self.progress_view,
            "cancel": self.cancel_view,
            "faulty": self.faulty_view,
            "undo": self.undo_view,
        }
        return [
            *(
                path(f"<int:number>/{name}/", self.admin_site.admin_view(view), name=f"imports_importrun_{name}")
                for name, view in own.items()
            ),
            *(pattern for pattern in super().get_urls() if str(pattern.name).endswith(("_changelist", "_change"))),
        ]

    @method_decorator([require_safe, never_cache])
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        run = self.get_object(request, object_id)
        if not self.has_view_permission(request):
            raise PermissionDenied
        if run is None:
            raise Http404
        if UNATTENDED in request.GET and not run.is_working:
            return redirect(request.path)  # from here on a person leafs through it
        resource = resource_of(run)
        view = RunPage(run, resource.plan, request.GET)
        if resource.names_patients and view.shown:
            (key,) = (place for place, column in enumerate(resource.plan.columns) if column.is_key)
            shown = [str(row.cells[key].value) for row in view.rows]
            saw(shown, run_id=run.run_id, asked=[view.shown.name, f"page {view.page.number}"])
        context = {
            **self.admin_site.each_context(request),
            "title": run.file_name,
            "opts": self.opts,
            "run": run,
            "importer": self.importers()[run.kind],
            "may_import": self._may_import(request, run),
            "view": view,
            "may_undo": self._may_undo(request, run) and undo_service.is_undoable(run),
            "conflicts": undo_service.conflicts_of(run, request.GET.get("conflicts", "")),
            "undone_by": run.undos.filter(state=State.APPLIED).first(),
            **_progress(run),
        }
        return TemplateResponse(request, "imports/run.html", context)

    @method_decorator([require_safe, never_cache])
    def progress_view(self, request: HttpRequest, number: int) -> HttpResponse:
        """The part of a run's page that changes while it is worked on; the whole page when that is over."""
        run = self._run(request, number)
        if not run.is_working:
            return HttpResponse(headers={"HX-Refresh": "true"})
        lacking = request.GET.get("lacks_worker") == "True"
        context = {"run": run, **_progress(run), "told": request.GET.get("told", ""), "told_lacking": lacking}
        return TemplateResponse(request, "imports/run-progress.html", context)

    @method_decorator(require_POST)
    def cancel_view(self, request: HttpRequest, number: int) -> HttpResponse:
        run = self._run_to_import(request, number)
        runs.ask_to_cancel(run)
        return redirect("admin:imports_importrun_change", run.pk)

    @method_decorator([require_safe, never_cache])
    def faulty_view(self, request: HttpRequest, number: int) -> HttpResponseBase:
        run = self._run_to_import(request, number)
        if not preview_queries.has_faults(run):
            raise Http404
        if resource_of(run).names_patients:
            saw(run_id=run.run_id, file_rows=run.rows_faulty)
        return StreamingHttpResponse(
            faulty_file(run),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="faulty-rows-of-import-{run.run_id}.csv"'},
        )

    @method_decorator(never_cache)
    def undo_view(self, request: HttpRequest, number: int) -> HttpResponse:
        """Shows what an undo would do, and asks a worker to do it."""
        run = self._run(request, number)
        if not self._may_undo(request, run):
            raise PermissionDenied
        if request.method == "POST":
            return self._undo(request, run)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Undo import {run.run_id}",
            "opts": self.opts,
            "run": run,
            "preview": undo_service.preview(run) if undo_service.is_undoable(run) else None,
        }
        return TemplateResponse(request, "imports/undo.html", context)

    def _undo(self, request: HttpRequest, run: ImportRun) -> HttpResponse:
        with transaction.atomic():
            undo = undo_service.ask_to_undo(run, cast("User", request.user))
            if undo is None:
                self.message_user(request, CANNOT_BE_UNDONE, messages.WARNING)
                return redirect("admin:imports_importrun_change", run.pk)
            apply_import.defer(run_id=undo.run_id)
        return redirect("admin:imports_importrun_change", undo.pk)

    @admin.display(description="import", ordering="run_id")
    def number(self, run: ImportRun) -> str:
        return f"{run.run_id}"

    @admin.display(description="kind", ordering="kind")
    def kind_label(self, run: ImportRun) -> str:
        return str(self.importers()[run.kind].opts.verbose_name_plural).capitalize()

    @admin.display(description="state", ordering="state")
    def state_label(self, run: ImportRun) -> str:
        return format_html('<span class="badge {}">{}</span>', run.mood, run.get_state_display())

    @admin.display(description="rows", ordering="rows_read")
    def rows(self, run: ImportRun) -> str:
        return f"{run.rows_read:,}"

    @admin.display(description="person", ordering="started_by")
    def person(self, run: ImportRun) -> str:
        return str(run.started_by or "command line")

    @admin.display(description="took")
    def took(self, run: ImportRun) -> str:
        return f"{run.seconds:.1f} s" if run.check_seconds is not None else ""

    def _kinds_to_import(self, request: HttpRequest) -> list[str]:
        return [kind for kind, importer in self.importers().items() if importer.has_import_permission(request)]

    def _may_import(self, request: HttpRequest, run: ImportRun) -> bool:
        return self.importers()[run.kind].has_import_permission(request)

    def _may_undo(self, request: HttpRequest, run: ImportRun) -> bool:
        """The preview shows stored values, to whom may see them."""
        return request.user.has_perm(UNDO) and self.importers()[run.kind].has_view_permission(request)

    def _run(self, request: HttpRequest, number: int) -> ImportRun:
        if not self.has_view_permission(request):
            raise PermissionDenied
        run: ImportRun | None = self.get_object(request, str(number))
        if run is None:
            raise Http404
        return run

    def _run_to_import(self, request: HttpRequest, number: int) -> ImportRun:
        run = self._run(request, number)
        if not self._may_import(request, run):
            raise PermissionDenied
        return run


def _progress(run: ImportRun) -> dict[str, object]:
    percent = int(100 * run.fraction_done)
    return {
        "percent": percent,
        "step": percent - percent % TOLD_PERCENT,
        "time_left": _time_left(run),
        "lacks_worker": run.is_working and bool(run.upload or run.undoes_id) and not heartbeat.is_alive(),
    }


def _time_left(run: ImportRun) -> timedelta | None:
    """As the work has gone so far; none when that says too little."""
    if run.work_began_at is None or run.fraction_done < 0.05:
        return None
    elapsed = timezone.now() - run.work_began_at
    return elapsed * (1 / run.fraction_done - 1)
