"""What the script of the upload page requests: begin an upload in chunks, send a chunk, discard an upload.

All of it answers in JSON: with an error for people to read, or with what the script needs.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from healthtrack.imports import registry
from healthtrack.imports.importer import Importer
from healthtrack.imports.limits import describe_limit, describe_used_up, get_daily_limit
from healthtrack.imports.permissions import get_importers
from healthtrack.imports.uploads import unfinished_uploads
from healthtrack.imports.uploads.storage_errors import StorageError, storage_errors
from healthtrack.imports.uploads.unfinished_uploads import UnfinishedUpload

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_MAX_NUMBER = 2**53  # of a script
TOO_MANY = (
    f"You have {unfinished_uploads.MAX_OF_PERSON} unfinished uploads, which is the limit."
    " Finish or discard one of them first."
)
DAMAGED = "A part of the file was damaged on its way."


class StartForm(forms.Form):
    """The facts about a file, as the browser knows them."""

    name = forms.CharField(max_length=unfinished_uploads.MAX_FILE_NAME_LENGTH, strip=False)
    size = forms.IntegerField(min_value=1, max_value=_MAX_NUMBER)
    modified_ms = forms.IntegerField(min_value=0, max_value=_MAX_NUMBER)

    def clean_name(self) -> str:
        """Return the name without invisible characters, as Django cleans the names of files in forms."""
        return "".join(character for character in self.cleaned_data["name"] if character.isprintable()) or "file"


def make_addresses(site: AdminSite) -> list[URLPattern]:
    """Return the addresses that the script requests, for people who may open the pages of the site."""
    views: dict[str, tuple[str, Callable[..., HttpResponse]]] = {
        "start": ("start/", start),
        "chunk": ("<int:number>/<int:chunk>/", receive_chunk),
        "discard": ("<int:number>/discard/", discard),
    }
    return [
        path(f"unfinished/{address}", site.admin_view(require_POST(view)), name=f"imports_importrun_{name}")
        for name, (address, view) in views.items()
    ]


def start(request: HttpRequest) -> HttpResponse:
    """Return the number of an unfinished upload, the size of its chunks, and the digests of those that have arrived."""
    importers = _get_importers(request)
    form = StartForm(request.POST)
    if not form.is_valid():
        return _refuse(400, " ".join(f"{field}: {errors[0]}" for field, errors in form.errors.items()))
    max_bytes = max(importer.max_bytes for importer in importers)
    if form.cleaned_data["size"] > max_bytes:
        return _refuse(413, describe_limit(max_bytes))
    limit = get_daily_limit()
    if limit.is_used_up(str(request.user.pk)):
        return _refuse(429, describe_used_up(limit), {"Retry-After": str(limit.seconds_left)})
    unfinished = unfinished_uploads.start(cast("User", request.user), **form.cleaned_data)
    if unfinished is None:
        return _refuse(429, TOO_MANY)
    return JsonResponse(
        {
            "number": unfinished.pk,
            "chunk_bytes": unfinished.chunk_bytes,
            "digests": unfinished.digests,
        }
    )


def receive_chunk(request: HttpRequest, number: int, chunk: int) -> HttpResponse:
    """Store a chunk, whose digest a header has. Return 409 if it is not the next one."""
    _get_importers(request)
    unfinished = _get_own(request, number)
    size = unfinished.get_chunk_size(chunk)
    if size is None:
        raise Http404
    if request.META.get("CONTENT_LENGTH") != str(size):
        return _refuse(400, DAMAGED)
    try:
        content = request.read(size)
    except UnreadablePostError:  # the connection broke: nobody reads the answer
        return _refuse(400, DAMAGED)
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    if request.headers.get("Content-Digest") != f"sha-256=:{digest}:":
        return _refuse(400, DAMAGED)
    try:
        with storage_errors():
            is_stored = unfinished_uploads.add_chunk(unfinished, chunk, content)
    except StorageError as error:
        return _refuse(error.status, error.sentence)
    return JsonResponse({"received": chunk}) if is_stored else _refuse(409, "This part is not the next one.")


def discard(request: HttpRequest, number: int) -> HttpResponse:
    """Discard an unfinished upload, and return to the upload page."""
    _get_importers(request)
    unfinished_uploads.discard(unfinished_uploads.get_own(request.user).filter(pk=_get_own(request, number).pk))
    return redirect("admin:imports_importrun_new")


def _get_importers(request: HttpRequest) -> list[Importer]:
    """Return the importers that the person may use; refuse people who may use none."""
    importers = [registry.get(name) for name in get_importers(request.user)]
    if not importers:
        raise PermissionDenied
    return importers


def _get_own(request: HttpRequest, number: int) -> UnfinishedUpload:
    unfinished = unfinished_uploads.get_own(request.user).filter(pk=number).first()
    if unfinished is None:
        raise Http404
    return unfinished


def _refuse(status: int, error: str, headers: Mapping[str, Any] | None = None) -> HttpResponse:
    return JsonResponse({"error": error}, status=status, headers=headers)
