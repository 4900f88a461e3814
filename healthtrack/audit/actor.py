"""The audit actor: the person, request and import run that changes are attributed to.

They are settings of the database session. The history's triggers store them with each change, whatever kind of
statement made it, including COPY.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from django.db import connection
from django.db.models import BigIntegerField, Func
from django.http import HttpRequest
from django.http.response import HttpResponseBase

PERSON, REQUEST, RUN = "healthtrack.person", "healthtrack.request", "healthtrack.run"
SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}


def setting(name: str, type_name: str) -> str:
    """Return SQL for the value of a session setting as this type, null if it is not set."""
    return f"nullif(current_setting('{name}', true), '')::{type_name}"


class RunOfSession(Func):
    """The import run of the database session, null outside an import."""

    template = setting(RUN, "bigint")
    output_field = BigIntegerField()


def audit_actor_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Attribute what a request changes to its person; requests by safe methods change nothing."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.method in SAFE_METHODS or not request.user.is_authenticated:
            return get_response(request)
        values = {PERSON: str(request.user.pk), REQUEST: request.id}  # type: ignore[attr-defined]  # our own attribute of requests
        _set(values, local=False)
        try:
            return get_response(request)
        finally:
            _set(dict.fromkeys(values, ""), local=False)

    return middleware


@contextmanager
def acting_as(person_id: int | None, run_id: int) -> Iterator[None]:
    """Attribute changes to this person and import run.

    Use it within a transaction: its rollback also resets the settings when an exception ends the block.
    """
    _set({PERSON: str(person_id or ""), RUN: str(run_id)}, local=True)
    yield
    _set({PERSON: "", RUN: ""}, local=True)


def _set(values: Mapping[str, str], *, local: bool) -> None:
    calls = ", ".join("set_config(%s, %s, %s)" for _ in values)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {calls}", [part for value in values.items() for part in (*value, local)])
