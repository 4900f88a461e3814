"""The pages of a run, and the actions on it that they offer."""

from collections import deque
from typing import TYPE_CHECKING, Any, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from healthtrack.accounts.middleware import AUTOMATIC_PARAMETER
from healthtrack.audit.access_recorder import record_patient_access, record_rows
from healthtrack.core.admin import ReadOnlyModelAdmin
from healthtrack.imports import registry
from healthtrack.imports.answers import AnswersForm
from healthtrack.imports.life_cycle import runs, steps
from healthtrack.imports.life_cycle.undone_runs import get_undo_label, is_undoable
from healthtrack.imports.life_cycle.unseen import mark_as_seen
from healthtrack.imports.models import ImportRun
from healthtrack.imports.pages.decision_form import DecisionForm
from healthtrack.imports.pages.run_view import ProgressView, RunView
from healthtrack.imports.permissions import may_undo
from healthtrack.imports.profiles import save_profile
from healthtrack.imports.tasks import apply_import, check_import

if TYPE_CHECKING:
    from django.contrib.auth.models import User

CANNOT_BE_ANSWERED = "This import no longer needs answers. Check its status."
ANSWERED_BY_ANOTHER = "Somebody else answered meanwhile. Nothing of yours was saved. Check how the file is read now."
CANNOT_BE_DECIDED = "This decision could not be saved. Check the import and try again."
CANNOT_BE_APPLIED = "This import can no longer be applied. Check its status."
CANNOT_BE_UNDONE = "This import can no longer be undone. Check its status."


class RunPages(ReadOnlyModelAdmin):
    """The page of each run, the pages of its actions, and its downloads."""

    def get_urls(self) -> list[URLPattern]:
        """Replace Django's pages to add, change and delete a run by the pages of its actions."""
        views = {
            "progress": self.progress_view,
            "answer": self.answer_view,
            "reading": self.reading_view,
            "decide": self.decide_view,
            "apply": self.apply_view,
            "cancel": self.cancel_view,
            "errors": self.error_report_view,
            "faulty": self.error_report_view,  # in addresses that people stored
            "undo": self.undo_view,
        }
        return [
            *(
                path(f"<int:number>/{name}/", self.admin_site.admin_view(view), name=f"imports_importrun_{name}")
                for name, view in views.items()
            ),
            *(pattern for pattern in super().get_urls() if str(pattern.name).endswith(("_changelist", "_change"))),
        ]

    @method_decorator([require_safe, never_cache])
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        run = self._get_run(request, object_id)
        if AUTOMATIC_PARAMETER in request.GET and not run.is_working:
            return redirect(
                request.path
            )  # without the automatic reload, which does not count as activity of the person
        mark_as_seen(request, pk=run.pk)
        return self._show_run(request, run)

    def _show_run(self, request: HttpRequest, run: ImportRun, answers: AnswersForm | None = None) -> HttpResponse:
        page = RunView(run, request.user, request.GET, answers)
        if page.importer.names_patients and page.questions:
            record_patient_access(page.questions.shown_keys, run_id=run.run_id, filters=["first rows"])
        if page.result_link and page.result_link.patients:
            record_patient_access(page.result_link.patients, run_id=run.run_id)
        if page.importer.names_patients and page.preview and page.preview.shown:
            record_patient_access(page.preview.patients, run_id=run.run_id, filters=page.preview.shown)
        context = {**self._get_context(request), "title": f"{run}: {run.title}", "run": run, "page": page}
        return TemplateResponse(request, "imports/run.html", context)

    @method_decorator([require_safe, never_cache])
    def progress_view(self, request: HttpRequest, number: int) -> HttpResponse:
        """Show the progress part of a run's page; make the browser load the whole page once the work is done."""
        run = self._get_run(request, number)
        if not run.is_working:
            return HttpResponse(headers={"HX-Refresh": "true"})
        context = {
            "progress": ProgressView(run),
            "announced": request.GET.get("announced", ""),
            "announced_lack": request.GET.get("lacks_worker") == "1",
        }
        return TemplateResponse(request, "imports/run-progress.html", context)

    @method_decorator([require_POST, never_cache])
    def answer_view(self, request: HttpRequest, number: int) -> HttpResponse:
        """Store the answers to the run's questions, and queue the check."""
        run = self._get_importable_run(request, number)
        importer = registry.get(run.importer)
        form = None
        if request.POST.get("opened") not in {None, run.answers_version}:
            self.message_user(request, ANSWERED_BY_ANOTHER, messages.WARNING)
            return redirect("admin:imports_importrun_change", run.pk)
        if run.needs_answers or (run.is_checked and importer.may_read_again(run)):
            with steps.open_uploads(run) as files:
                form = importer.make_answers_form(run, files, request.POST)
        if form and not form.is_valid():
            return self._show_run(request, run, form) if run.needs_answers else self._show_reading(request, run, form)
        with transaction.atomic():
            if form and runs.save_answers(run, form.get_answers()):
                if profile := form.get_profile():
                    save_profile(run.importer, *profile, cast("User", request.user))
                check_import.defer(run_id=run.run_id)
            else:
                self.message_user(request, CANNOT_BE_ANSWERED, messages.WARNING)
        return redirect("admin:imports_importrun_change", run.pk)

    @method_decorator([require_safe, never_cache])
    def reading_view(self, request: HttpRequest, number: int) -> HttpResponse:
        """Show how the files of a checked run are read, for people to change it."""
        run = self._get_importable_run(request, number)
        importer = registry.get(run.importer)
        if not (run.is_checked and importer.may_read_again(run)):
            raise Http404
        with steps.open_uploads(run) as files:
            form = importer.make_answers_form(run, files)
        return self._show_reading(request, run, form)

    def _show_reading(self, request: HttpRequest, run: ImportRun, form: AnswersForm) -> HttpResponse:
        if registry.get(run.importer).names_patients:
            record_patient_access(form.shown_keys, run_id=run.run_id, filters=["first rows"])
        context = {**self._get_context(request), "title": "How this file is read", "run": run, "form": form}
        return TemplateResponse(request, "imports/reading.html", context)

    @method_decorator([require_POST, never_cache])
    def decide_view(self, request: HttpRequest, number: int) -> HttpResponse:
        """Store what to do with the rows of a kind of warning."""
        run = self._get_importable_run(request, number)
        form = DecisionForm(registry.get(run.importer).warnings, request.POST)
        if not form.is_valid() or not steps.decide(run, form.choice):
            self.message_user(request, CANNOT_BE_DECIDED, messages.WARNING)
        return redirect(f"{reverse('admin:imports_importrun_change', args=[run.pk])}?{form.return_query}#rows")

    @method_decorator(require_POST)
    def apply_view(self, request: HttpRequest, number: int) -> HttpResponse:
        """Queue the import of a checked file."""
        run = self._get_importable_run(request, number)
        with transaction.atomic():
            if runs.request_apply(run, without_invalid="without_invalid" in request.POST):
                apply_import.defer(run_id=run.run_id)
            else:
                self.message_user(request, CANNOT_BE_APPLIED, messages.WARNING)
        return redirect("admin:imports_importrun_change", run.pk)

    @method_decorator(require_POST)
    def cancel_view(self, request: HttpRequest, number: int) -> HttpResponse:
        run = self._get_importable_run(request, number)
        runs.request_cancel(run)
        return redirect("admin:imports_importrun_change", run.pk)

    @method_decorator([require_safe, never_cache])
    def error_report_view(self, request: HttpRequest, number: int) -> HttpResponseBase:
        """Download the invalid rows as CSV, with what is wrong in each."""
        run = self._get_importable_run(request, number)
        importer = registry.get(run.importer)
        if not importer.has_error_report(run):
            raise Http404
        if importer.names_patients:
            record_patient_access(run_id=run.run_id, file_rows=run.invalid_count)
            # Recorded as a whole before the first row is sent. The report is read in one transaction, and whoever
            # breaks the download off would otherwise take its records back.
            deque(record_rows(request, importer.patients_in_error_report(run), str), maxlen=0)
        return StreamingHttpResponse(
            importer.error_report(run),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="invalid-rows-of-import-{run.run_id}.csv"'},
        )

    @method_decorator(never_cache)
    def undo_view(self, request: HttpRequest, number: int) -> HttpResponse:
        """Show what an undo would do; once confirmed, queue it."""
        run = self._get_run(request, number)
        if not may_undo(request.user, run):
            raise PermissionDenied
        if request.method == "POST":
            return self._request_undo(request, run)
        preview = registry.get(run.importer).preview_undo(run) if is_undoable(run) else None
        context = {**self._get_context(request), "title": get_undo_label(run), "run": run, "preview": preview}
        return TemplateResponse(request, "imports/undo.html", context)

    def _request_undo(self, request: HttpRequest, run: ImportRun) -> HttpResponse:
        with transaction.atomic():
            undo = runs.request_undo(run, cast("User", request.user))
            if undo is None:
                self.message_user(request, CANNOT_BE_UNDONE, messages.WARNING)
                return redirect("admin:imports_importrun_change", run.pk)
            apply_import.defer(run_id=undo.run_id)
        return redirect("admin:imports_importrun_change", undo.pk)

    def _get_context(self, request: HttpRequest) -> dict[str, Any]:
        hides_list = not self.has_view_permission(request)
        return {**self.admin_site.each_context(request), "opts": self.opts, "hides_list": hides_list}

    def _get_run(self, request: HttpRequest, number: int | str) -> ImportRun:
        run: ImportRun | None = self.get_object(request, str(number))
        if run is None and not self.has_view_permission(request):
            raise PermissionDenied
        if run is None:
            raise Http404
        return run

    def _get_importable_run(self, request: HttpRequest, number: int) -> ImportRun:
        run = self._get_run(request, number)
        if not registry.get(run.importer).may_import(request.user):
            raise PermissionDenied
        return run
