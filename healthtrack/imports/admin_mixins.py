import errno
from typing import TYPE_CHECKING, cast

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST

from healthtrack.imports import runs, tasks
from healthtrack.imports.exporting import StreamedExport
from healthtrack.imports.limits import size_in_words
from healthtrack.imports.models import ImportRun
from healthtrack.imports.upload_templates import UploadHelp
from healthtrack.imports.uploads import ReceivedFile, UploadHandler

if TYPE_CHECKING:
    from django.contrib.auth.models import User

FORM_BYTES = 2**16  # for what a form holds besides the file
NO_ROOM = "The server has no room for the file at the moment. Tell an administrator, and upload it again later."
NOT_THERE = "This import is not there to go ahead with any more; look at how it stands."
_MOST_DIGITS = 18
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class UploadForm(forms.Form):
    import_file = forms.FileField(
        label="File to import",
        max_length=255,
        error_messages={"required": "Choose a file first.", "empty": "The file is empty; choose another one."},
    )


class ImportExportAdmin(UploadHelp, StreamedExport):  # type: ignore[misc]  # both say which model, untyped
    """django-import-export's admin, its uploads taken into runs of the import engine."""

    import_template_name = "imports/import.html"

    def has_import_permission(self, request: HttpRequest) -> bool:
        """The preview shows stored values beside the file's, to whom may see them."""
        return bool(super().has_import_permission(request)) and self.has_view_permission(request)

    @method_decorator([csrf_exempt, never_cache])
    def import_action(self, request: HttpRequest, **kwargs: object) -> HttpResponse:
        """Reads nothing of a file that is too large, or whose bringer may not import: so the token is checked later."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        if int(request.META.get("CONTENT_LENGTH") or 0) > settings.IMPORT_MOST_BYTES + FORM_BYTES:
            return self._form_page(request, fault=_too_large(), status=413)
        handler = UploadHandler(request)
        request.upload_handlers = [handler]
        try:
            return self._take_in(request, handler)
        except OSError as fault:
            if fault.errno not in _FULL:
                raise
            return self._form_page(request, fault=NO_ROOM, status=507)
        finally:
            handler.forget_unused()

    @method_decorator(csrf_protect)
    def _take_in(self, request: HttpRequest, handler: UploadHandler) -> HttpResponse:
        form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
        if handler.is_too_large:
            return self._form_page(request, fault=_too_large(), status=413)
        if not form.is_valid():
            return self._form_page(request, form)
        run = self._open_run(request, handler.take_over(form.cleaned_data["import_file"]))
        return redirect("admin:imports_importrun_change", run.pk)

    def _open_run(self, request: HttpRequest, file: ReceivedFile) -> ImportRun:
        with transaction.atomic():
            facts = runs.FileFacts(file.name or "", file.size or 0, file.sha256)
            user = cast("User", request.user)
            run = runs.open_run(self.opts.label_lower, facts, user=user, upload=file.upload.name)
            tasks.check_import.defer(run_id=run.run_id)
        return run

    def _form_page(
        self, request: HttpRequest, form: UploadForm | None = None, *, fault: str = "", status: int = 200
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": f"Import {self.opts.verbose_name_plural}",
            "opts": self.opts,
            "form": form or UploadForm(),
            "fault": fault,
            "help": self.upload_help(),
        }
        return TemplateResponse(request, self.import_template_name, context, status=status)

    @method_decorator(require_POST)
    def process_import(self, request: HttpRequest, **kwargs: object) -> HttpResponse:
        """Goes ahead with a checked import."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        number = request.POST.get("run", "")
        of_kind = ImportRun.objects.filter(kind=self.opts.label_lower)
        run = of_kind.filter(pk=number).first() if number.isdecimal() and len(number) <= _MOST_DIGITS else None
        if run is None:
            messages.error(request, NOT_THERE)
            return HttpResponseRedirect(reverse("admin:imports_importrun_changelist"))
        with transaction.atomic():
            if runs.ask_to_apply(run, without_faulty="without_faulty" in request.POST):
                tasks.apply_import.defer(run_id=run.run_id)
            else:
                messages.warning(request, NOT_THERE)
        return redirect("admin:imports_importrun_change", run.pk)


def _too_large() -> str:
    most = size_in_words(settings.IMPORT_MOST_BYTES)
    return f"The file has more than {most}, the most that may be uploaded at once; part it into several files."
