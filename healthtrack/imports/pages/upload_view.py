"""The upload page: it shows the form, and opens a run of the uploaded files for a worker."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.datastructures import MultiValueDict
from django.views.decorators.csrf import csrf_protect

from healthtrack.imports import registry, tasks
from healthtrack.imports.importer import Importer
from healthtrack.imports.life_cycle import runs
from healthtrack.imports.limits import describe_limit, describe_used_up, get_daily_limit
from healthtrack.imports.models import ImportRun
from healthtrack.imports.pages.upload_form import DETECT, UploadForm
from healthtrack.imports.permissions import get_importers
from healthtrack.imports.uploads import unfinished_uploads
from healthtrack.imports.uploads.local_copies import LocalCopies, local_copies
from healthtrack.imports.uploads.receiving import ReceivedFile, UploadHandler, store
from healthtrack.imports.uploads.storage_errors import StorageError, storage_errors
from healthtrack.imports.uploads.stored import Upload
from healthtrack.imports.uploads.unfinished_uploads import UnfinishedUpload

if TYPE_CHECKING:
    from django.contrib.auth.models import User

UNFINISHED = "unfinished"  # the field of the form with the numbers of unfinished uploads, in place of files
MAX_RECOGNIZED_BYTES = 64 * 2**20  # of a larger file, only the beginning shows what kind it is
TITLE = "Upload a file"
MAX_FORM_BYTES = 2**16  # of the form's other fields
INCOMPLETE = "The file has not arrived completely. Choose it again: what has arrived is not sent again."


def show_upload_page(
    request: HttpRequest, name: str, context: Mapping[str, Any], *, answers: Mapping[str, str] = MappingProxyType({})
) -> HttpResponse:
    """Return the upload form; or open a run of the uploaded files and redirect to its page.

    `name` is that of the importer that the form suggests; if it is empty, the files show which one they are for. With
    `answers` to its questions, the form offers no other one.
    `context` is that of the admin's pages. The view that calls this must be `csrf_exempt`, because the check of the
    CSRF token would read the request's body: a file that is too large, or that the person may not import, is never
    read. Once that is clear, the token is checked here.
    """
    importers = [registry.get(each) for each in get_importers(request.user) if not answers or each == name]
    if not importers or (name and name not in {importer.name for importer in importers}):
        raise PermissionDenied
    page = _UploadPage(importers, name, context, answers)
    if int(request.META.get("CONTENT_LENGTH") or 0) > page.max_bytes + MAX_FORM_BYTES:
        return page.show_form(request, error=describe_limit(page.max_bytes), status=413)
    if request.method == "POST" and get_daily_limit().is_used_up(str(request.user.pk)):
        return page.show_used_up(request)
    handler = UploadHandler(request, page.max_bytes)
    request.upload_handlers = [handler]
    try:
        with storage_errors():
            return csrf_protect(page.receive)(request, handler)
    except StorageError as error:
        return page.show_form(request, error=error.sentence, status=error.status)
    finally:
        handler.remove_temporary_files()


class _UploadPage:
    def __init__(
        self, importers: Sequence[Importer], name: str, context: Mapping[str, Any], answers: Mapping[str, str]
    ) -> None:
        self.importers = importers
        self.answers = answers
        self.name = name
        self.context = context
        self.max_bytes = max(importer.max_bytes for importer in importers if name in {DETECT, importer.name})

    def receive(self, request: HttpRequest, handler: UploadHandler) -> HttpResponse:
        numbers = [int(number) for number in request.POST.getlist(UNFINISHED) if number.isdecimal()]
        if handler.is_too_large:
            return self.show_form(request, error=describe_limit(self.max_bytes), status=413)
        if not numbers:
            return self._receive_files(request, request.FILES if request.method == "POST" else None)
        uploads = unfinished_uploads.find_complete(request.user, numbers)
        if not uploads:
            return self.show_form(request, error=INCOMPLETE)
        with local_copies() as copies:
            files: list[UploadedFile[bytes]] = [_receive_chunks(unfinished, copies) for unfinished in uploads]
            return self._receive_files(request, MultiValueDict({"import_file": files}), uploads)

    def _receive_files(
        self,
        request: HttpRequest,
        sent: MultiValueDict[str, UploadedFile[bytes]] | None,
        uploads: Sequence[UnfinishedUpload] = (),
    ) -> HttpResponse:
        """Open a run of the files, some of which may have arrived as unfinished uploads; or show what is wrong."""
        form = UploadForm(self.importers, self.name, request.POST if sent is not None else None, sent)
        if not form.is_valid():
            return self.show_form(request, form)
        if not get_daily_limit().use(str(request.user.pk)):
            return self.show_used_up(request)
        run = self._open_run(request, form, uploads)
        return redirect("admin:imports_importrun_change", run.pk) if run else self.show_form(request, error=INCOMPLETE)

    def _open_run(
        self, request: HttpRequest, form: UploadForm, uploads: Sequence[UnfinishedUpload]
    ) -> ImportRun | None:
        """Return the run; None if another request has opened one of the unfinished uploads meanwhile."""
        files: Sequence[ReceivedFile] = form.cleaned_data["import_file"]
        for file in files if not uploads else ():
            store(file)
        facts = [runs.FileFacts(file.name or "", file.size or 0, file.sha256, file.upload.name) for file in files]
        with transaction.atomic():
            if not unfinished_uploads.finish(uploads):
                return None
            name, user = form.cleaned_data["importer"].name, cast("User", request.user)
            run = runs.open_run(name, facts, user=user, instructions=runs.Instructions(self.answers))
            tasks.check_import.defer(run_id=run.run_id)
        return run

    def show_used_up(self, request: HttpRequest) -> HttpResponse:
        limit = get_daily_limit()
        page = self.show_form(request, error=describe_used_up(limit), status=429)
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
            "unfinished": unfinished_uploads.get_own(request.user),
            "chunk_bytes": unfinished_uploads.CHUNK_BYTES,
            "helps": [(importer, importer.upload_help()) for importer in self.importers],
            "suggested": self.name,
            "kind": registry.get(self.name).label.capitalize() if self.name else TITLE,
        }
        return TemplateResponse(request, "imports/import.html", context, status=status)


def _receive_chunks(unfinished: UnfinishedUpload, copies: LocalCopies) -> ReceivedFile:
    """Return a complete upload as a received file, with a copy of its content or of the beginning."""
    upload = Upload(unfinished.upload)
    copied = unfinished.size if unfinished.size <= MAX_RECOGNIZED_BYTES else unfinished.chunk_bytes
    path = copies.copy_beginning(upload, copied)
    digest = unfinished_uploads.compute_digest(unfinished)
    return ReceivedFile(upload, path, digest, unfinished.name, unfinished.size)
