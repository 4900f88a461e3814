"""The upload page: it shows the form, and opens a run of the uploaded files for a worker."""

import errno
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.csrf import csrf_protect

from healthtrack.accounts.limits import Limit
from healthtrack.imports import registry, runs, tasks
from healthtrack.imports.importer import Importer
from healthtrack.imports.limits import describe_limit
from healthtrack.imports.models import ImportRun
from healthtrack.imports.permissions import get_importers
from healthtrack.imports.upload_form import DETECT, UploadForm
from healthtrack.imports.uploads import ReceivedFile, UploadHandler

if TYPE_CHECKING:
    from django.contrib.auth.models import User

TITLE = "Upload a file"
MAX_FORM_BYTES = 2**16  # of the form's other fields
DISK_FULL = "The server has no space for the file. Tell an administrator, and upload it again later."
_DISK_FULL_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_SECONDS_OF_DAY = 24 * 60 * 60


def show_upload_page(request: HttpRequest, name: str, context: Mapping[str, Any]) -> HttpResponse:
    """Return the upload form; or open a run of the uploaded files and redirect to its page.

    `name` is that of the importer that the form suggests; if it is empty, the files show which one they are for.
    `context` is that of the admin's pages. The view that calls this must be `csrf_exempt`, because the check of the
    CSRF token would read the request's body: a file that is too large, or that the person may not import, is never
    read. Once that is clear, the token is checked here.
    """
    importers = [registry.get(each) for each in get_importers(request.user)]
    if not importers or (name and name not in {importer.name for importer in importers}):
        raise PermissionDenied
    page = _UploadPage(importers, name, context)
    if int(request.META.get("CONTENT_LENGTH") or 0) > page.max_bytes + MAX_FORM_BYTES:
        return page.show_form(request, error=describe_limit(page.max_bytes), status=413)
    if request.method == "POST" and _get_daily_limit().is_used_up(str(request.user.pk)):
        return page.show_used_up(request)
    handler = UploadHandler(request, page.max_bytes)
    request.upload_handlers = [handler]
    try:
        return csrf_protect(page.receive)(request, handler)
    except OSError as error:
        if error.errno not in _DISK_FULL_ERRORS:
            raise
        return page.show_form(request, error=DISK_FULL, status=507)
    finally:
        handler.remove_unused()


class _UploadPage:
    def __init__(self, importers: Sequence[Importer], name: str, context: Mapping[str, Any]) -> None:
        self.importers = importers
        self.name = name
        self.context = context
        self.max_bytes = max(importer.max_bytes for importer in importers if name in {DETECT, importer.name})

    def receive(self, request: HttpRequest, handler: UploadHandler) -> HttpResponse:
        sent = (request.POST, request.FILES) if request.method == "POST" else (None, None)
        form = UploadForm(self.importers, self.name, *sent)
        if handler.is_too_large:
            return self.show_form(request, error=describe_limit(self.max_bytes), status=413)
        if not form.is_valid():
            return self.show_form(request, form)
        if not _get_daily_limit().use(str(request.user.pk)):
            return self.show_used_up(request)
        files = [handler.claim(file) for file in form.cleaned_data["import_file"]]
        run = self._open_run(request, form.cleaned_data["importer"], files)
        return redirect("admin:imports_importrun_change", run.pk)

    def _open_run(self, request: HttpRequest, importer: Importer, files: Sequence[ReceivedFile]) -> ImportRun:
        facts = [runs.FileFacts(file.name or "", file.size or 0, file.sha256, file.upload.name) for file in files]
        with transaction.atomic():
            run = runs.open_run(importer.name, facts, user=cast("User", request.user))
            tasks.check_import.defer(run_id=run.run_id)
        return run

    def show_used_up(self, request: HttpRequest) -> HttpResponse:
        limit = _get_daily_limit()
        hours = math.ceil(limit.seconds_left / 3600)
        error = (
            f"You have uploaded {limit.maximum:,} times today, which is the limit."
            f" Upload again in {hours} hour{'' if hours == 1 else 's'}."
        )
        page = self.show_form(request, error=error, status=429)
        page["Retry-After"] = str(limit.seconds_left)
        return page

    def show_form(
        self, request: HttpRequest, form: UploadForm | None = None, *, error: str = "", status: int = 200
    ) -> HttpResponse:
        context = {
            **self.context,
            "title": TITLE,
            "opts": ImportRun._meta,
            "form": form or UploadForm(self.importers, self.name),
            "error": error,
            "helps": [(importer, importer.upload_help()) for importer in self.importers],
            "suggested": self.name,
            "kind": registry.get(self.name).label.capitalize() if self.name else TITLE,
        }
        return TemplateResponse(request, "imports/import.html", context, status=status)


def _get_daily_limit() -> Limit:
    return Limit("uploads of", settings.UPLOADS_A_DAY, _SECONDS_OF_DAY)
