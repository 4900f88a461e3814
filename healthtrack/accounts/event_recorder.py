"""Records sign-in events: a row of the table, and a line of the log with account id, address and request id."""

import logging

from django.contrib.auth import logout
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest

from healthtrack.accounts.limits import RECORDED_REFUSALS
from healthtrack.accounts.models import SignInEvent
from healthtrack.accounts.sign_in_events import Kind
from healthtrack.accounts.typed_names import digest
from healthtrack.audit.actor import get_command
from healthtrack.core import logs
from healthtrack.core.client_address import client_address, client_network

REFUSALS = {Kind.LOCKED_OUT, Kind.PAGE_REFUSED}
EXPECTED = {Kind.SIGNED_IN, Kind.PASSWORD_ACCEPTED, Kind.SIGNED_OUT, Kind.TIMED_OUT}  # the others are warnings

_logger = logging.getLogger(__name__)


def record(
    request: HttpRequest | None, kind: Kind, person: User | None = None, *, typed_name: str = "", page: str = ""
) -> None:
    """Record an event of this person, or of the account whose name was typed; commands have no request.

    In a transaction, the row is stored with what else the transaction writes.
    """
    if typed_name and person is None:
        person = User.objects.filter(username=typed_name).first()
    user = _get_user(request)
    event = SignInEvent(
        kind=kind,
        person=person,
        name_digest=digest(typed_name) if typed_name and person is None else "",
        actor=user if isinstance(user, User) and user != person else None,
        page=page,
        client_address=(client_address(request) or None) if request else None,
        request=logs.request_id.get() or get_command(),
    )
    _log(event)
    if request and kind in REFUSALS:
        request.is_refusal_recorded = True  # type: ignore[attr-defined]  # our own attribute of requests
    if not request or _may_be_stored(request, kind):
        event.save(force_insert=True)


def sign_out(request: HttpRequest, kind: Kind) -> None:
    """End the session of this request, and record the event as this kind."""
    request.sign_out_kind = kind  # type: ignore[attr-defined]  # our own attribute of requests
    logout(request)


def _get_user(request: HttpRequest | None) -> User | AnonymousUser | None:
    user = getattr(request, "user", None)
    return user if user and user.is_authenticated else None


def _may_be_stored(request: HttpRequest, kind: Kind) -> bool:
    """Return whether the event gets a row: those of strangers do until there are too many, which only the log has.

    Nothing checks a password or code for a refusal, so strangers could fill the disk with rows that nobody can delete.
    """
    is_stranger = _get_user(request) is None or getattr(request, "owes_second_factor", False)
    return not (is_stranger and kind in REFUSALS) or RECORDED_REFUSALS.use(client_network(request))


def _log(event: SignInEvent) -> None:
    fields = {
        "event": event.kind,
        "account": event.person_id,
        "actor": event.actor_id,
        "address": event.client_address,
        "page": event.page,
        "command": event.command,
    }
    level = logging.INFO if event.kind in EXPECTED else logging.WARNING
    _logger.log(level, "Sign-in event.", extra={"fields": {name: value for name, value in fields.items() if value}})
