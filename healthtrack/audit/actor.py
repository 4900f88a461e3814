"""Who acts: settings of the database session, which the history's triggers write down beside each change.

A statement of whatever kind takes place under them, a COPY too.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from django.db import connection
from django.db.models import BigIntegerField, Func
from django.http import HttpRequest
from django.http.response import HttpResponseBase

PERSON, REQUEST, RUN = "healthtrack.person", "healthtrack.request", "healthtrack.run"
READING = {"GET", "HEAD", "OPTIONS", "TRACE"}


def setting(name: str, type_name: str) -> str:
    return f"nullif(current_setting('{name}', true), '')::{type_name}"


class RunOfSession(Func):
    """The import run that the session works on, null outside of one."""

    template = setting(RUN, "bigint")
    output_field = BigIntegerField()


def audit_actor(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Lets what a request changes be its person's; who only looks changes nothing."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.method in READING or not request.user.is_authenticated:
            return get_response(request)
        facts = {PERSON: str(request.user.pk), REQUEST: request.id}  # type: ignore[attr-defined]
        _set(facts, local=False)
        try:
            return get_response(request)
        finally:
            _set(dict.fromkeys(facts, ""), local=False)

    return middleware


@contextmanager
def on_behalf_of(person_id: int | None, run_id: int) -> Iterator[None]:
    """To be used within a transaction, which forgets it where this is left by an exception."""
    _set({PERSON: str(person_id or ""), RUN: str(run_id)}, local=True)
    yield
    _set({PERSON: "", RUN: ""}, local=True)


def _set(facts: Mapping[str, str], *, local: bool) -> None:
    calls = ", ".join("set_config(%s, %s, %s)" for _ in facts)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {calls}", [part for fact in facts.items() for part in (*fact, local)])
