"""Records which patients a request shows, and writes them to the access log before the response is sent."""

from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from itertools import islice
from typing import TypeVar

from django.db import connection
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from healthtrack.audit.actor import acting_as
from healthtrack.audit.file_parts import get_beginnings
from healthtrack.core.client_address import client_address
from healthtrack.core.http import get_view_name


@dataclass
class _PatientAccess:
    patient_ids: dict[str, None] = field(default_factory=dict)  # in the order shown
    file_patients: list[str] | None = None  # in a part of a file
    filters: dict[str, None] = field(default_factory=dict)
    run_id: int | None = None
    file_rows: int | None = None

    @property
    def shows_patients(self) -> bool:
        return bool(self.patient_ids) or self.run_id is not None or self.file_rows is not None


# The function has the owner's rights: the application role has none to insert into the access log. It takes the person
# and the request from the audit actor.
_WRITE = "SELECT public.record_access(%s, %s, %s, %s, %s, %s, %s)"
_SEPARATOR = "\x1f"
# Of a file in one row of the access log. More make fewer statements, but the first byte and the memory wait for them.
PATIENTS_PER_PART = 10_000
Row = TypeVar("Row")
_access: ContextVar[_PatientAccess | None] = ContextVar("patient_access", default=None)


def record_patient_access(
    patient_ids: Iterable[str] = (),
    *,
    run_id: int | None = None,
    file_rows: int | None = None,
    filters: Iterable[str] = (),
) -> None:
    """Record for the access log that the current response shows these patients.

    `run_id` is the import run whose rows it shows, and `file_rows` the number of rows if it is a file. `filters` are
    the names of the filters that were set, never their values. Outside of a request nothing is recorded.
    """
    shown = _access.get()
    if shown is None:
        return
    shown.patient_ids |= dict.fromkeys(patient_ids)
    shown.filters |= dict.fromkeys(filters)
    shown.run_id = run_id if run_id is not None else shown.run_id
    shown.file_rows = file_rows if file_rows is not None else shown.file_rows


def record_rows(request: HttpRequest, rows: Iterable[Row], get_patient_id: Callable[[Row], str]) -> Iterator[Row]:
    """Return the rows of the file that the response is, each after its patient has been recorded.

    Call `record_patient_access` with the number of rows first. The rows may be streamed, long after the page has
    returned. So a patient who is added meanwhile is recorded as well, and of a download that is broken off only what
    was about to be sent.
    """
    file = _access.get() or _PatientAccess()

    def record_parts() -> Iterator[Row]:
        remaining = iter(rows)
        while part := list(islice(remaining, PATIENTS_PER_PART)):
            numbers = sorted(map(get_patient_id, part))
            _write(request, replace(file, patient_ids=dict.fromkeys(get_beginnings(numbers)), file_patients=numbers))
            yield from part

    return record_parts()


def access_log(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Write the access log. If that fails the page fails too: nothing is shown without a record of it.

    Responses that refuse a request show no patient, and are not recorded.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        shown = _PatientAccess()
        outer = _access.set(shown)
        try:
            response = get_response(request)
        finally:
            _access.reset(outer)
        if shown.shows_patients and response.status_code < HTTPStatus.BAD_REQUEST:
            _write(request, shown)
        return response

    return middleware


def _write(request: HttpRequest, shown: _PatientAccess) -> None:
    actor = acting_as(request.user.pk, request=request.id)  # type: ignore[attr-defined]  # our own attribute of requests
    with actor, connection.cursor() as cursor:
        cursor.execute(
            _WRITE,
            [
                get_view_name(request),
                list(shown.patient_ids),
                # One text takes a tenth of the time of a list. No patient number has a control character.
                None if shown.file_patients is None else _SEPARATOR.join(shown.file_patients),
                shown.run_id,
                shown.file_rows,
                list(shown.filters),
                client_address(request) or None,
            ],
        )
