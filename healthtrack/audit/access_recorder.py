"""What a request shows of patients, gathered while it is answered and written to the access log before it leaves."""

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from http import HTTPStatus

from django.db import connection
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from healthtrack.core.client_address import client_address


@dataclass
class _Seen:
    patient_ids: dict[str, None] = field(default_factory=dict)  # in the order in which they were shown
    asked: dict[str, None] = field(default_factory=dict)
    run_id: int | None = None
    file_rows: int | None = None

    @property
    def is_anything(self) -> bool:
        return bool(self.patient_ids) or self.run_id is not None or self.file_rows is not None


# By hand, for every page waits for it: through the model it took a millisecond of Python's more.
_WRITE = """
    INSERT INTO access_log (person_id, page, patient_ids, run_id, file_rows, asked, client_address, request)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
_seen: ContextVar[_Seen | None] = ContextVar("seen", default=None)


def saw(
    patient_ids: Iterable[str] = (),
    *,
    run_id: int | None = None,
    file_rows: int | None = None,
    asked: Iterable[str] = (),
) -> None:
    """Puts down that the answer under way shows these patients, rows of this import run, or is a file of so many rows.

    `asked` names the filters, never what they were set to. Outside of a request nobody sees anything.
    """
    seen = _seen.get()
    if seen is None:
        return
    seen.patient_ids |= dict.fromkeys(patient_ids)
    seen.asked |= dict.fromkeys(asked)
    seen.run_id = run_id if run_id is not None else seen.run_id
    seen.file_rows = file_rows if file_rows is not None else seen.file_rows


def access_log(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """What cannot be written down is not shown: a fault of the log is one of the page. Who is refused saw nothing."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        seen = _Seen()
        outer = _seen.set(seen)
        try:
            response = get_response(request)
        finally:
            _seen.reset(outer)
        if seen.is_anything and response.status_code < HTTPStatus.BAD_REQUEST:
            _write(request, seen)
        return response

    return middleware


def _write(request: HttpRequest, seen: _Seen) -> None:
    page = request.resolver_match.view_name if request.resolver_match else ""
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE,
            [
                request.user.pk,
                page,
                list(seen.patient_ids),
                seen.run_id,
                seen.file_rows,
                list(seen.asked),
                client_address(request) or None,
                request.id,  # type: ignore[attr-defined]
            ],
        )
