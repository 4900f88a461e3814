"""The audit actor: the person, request and import run that changes are attributed to.

They are settings of the transaction (`core.transaction_settings`). The history's triggers store them with each change,
whatever kind of statement made it, including COPY.
"""

import os
import pwd
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BigIntegerField, Func
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from healthtrack.core.database.transaction_settings import Setting, set_in_open_transaction
from healthtrack.core.http import SAFE_METHODS

PERSON, REQUEST, RUN = "healthtrack.person", "healthtrack.request", "healthtrack.run"
COMMAND = "command "  # the beginning of the request of a change that a command made


def setting(name: str, type_name: str) -> str:
    """Return SQL for the value of a setting as this type, null if it is not set."""
    return f"nullif(current_setting('{name}', true), '')::{type_name}"


class RunOfSession(Func):
    """The import run of the transaction, null outside an import."""

    template = setting(RUN, "bigint")
    output_field = BigIntegerField()


@dataclass(frozen=True)
class _Actor:
    person_id: int | None = None
    run_id: int | None = None
    request: str = ""

    @property
    def settings(self) -> tuple[Setting, ...]:
        return ((PERSON, self.person_id), (RUN, self.run_id), (REQUEST, self.request))


_actor: ContextVar[_Actor | None] = ContextVar("actor", default=None)


def audit_actor_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Attribute what a request changes to its person; requests by safe methods change nothing."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.method in SAFE_METHODS or not request.user.is_authenticated:
            return get_response(request)
        with acting_as(request.user.pk, request=request.id):  # type: ignore[attr-defined]  # our own attribute of requests
            return get_response(request)

    return middleware


@contextmanager
def acting_as(person_id: int | None, run_id: int | None = None, *, request: str = "") -> Iterator[None]:
    """Attribute what the block writes to this person, import run and request id.

    A COPY that is the first statement of its transaction only has the actor if the block is within the transaction.
    """
    outer = _actor.set(_Actor(person_id, run_id, request))
    try:
        set_in_open_transaction(connection, _get_settings())
        yield
    finally:
        _actor.reset(outer)
        set_in_open_transaction(connection, _get_settings())


@contextmanager
def acting_as_command(name: str) -> Iterator[None]:
    """Attribute what the block writes to a command, and to the account of the operating system that runs it."""
    try:
        account = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # such as in a container
        account = f"user {os.getuid()}"
    with acting_as(None, request=f"{COMMAND}{name} run by {account}"):
        yield


def get_command() -> str:
    """Return the command that is the actor, as the history names it; empty if none is."""
    actor = _actor.get()
    return actor.request if actor and actor.request.startswith(COMMAND) else ""


class AttributedCommand(BaseCommand):
    """A management command whose changes the history attributes to it."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command as the actor of what it changes."""
        with acting_as_command(type(self).__module__.rpartition(".")[2]):
            return super().execute(*args, **options)


def get_transaction_settings(database: BaseDatabaseWrapper) -> tuple[Setting, ...]:
    """Return the settings that name the active actor, none if there is none, or if the database is a replica."""
    return _get_settings() if _actor.get() and database.alias == DEFAULT_DB_ALIAS else ()


def _get_settings() -> tuple[Setting, ...]:
    return (_actor.get() or _Actor()).settings
