"""The audit actor: the person, request and import run that changes are attributed to.

They are settings of the transaction. The history's triggers store them with each change, whatever kind of statement
made it, including COPY. They end with the transaction, so that a connection that several people use in turn, as with a
connection pool, never attributes a change to the wrong person.

While an actor is active, the first statement of each transaction is sent together with the one that sets them, so they
cost no further round trip. Outside of a transaction block each statement is a transaction of its own.
"""

import os
import pwd
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BigIntegerField, Func
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from psycopg import ServerCursor, sql
from psycopg.pq import TransactionStatus

PERSON, REQUEST, RUN = "healthtrack.person", "healthtrack.request", "healthtrack.run"
COMMAND = "command "  # the beginning of the request of a change that a command made
SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}


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

    @cached_property
    def statement(self) -> str:
        """Return the statement that sets the actor until the end of the transaction. It needs no parameters."""
        values = {PERSON: self.person_id, RUN: self.run_id, REQUEST: self.request}
        calls = (
            f"set_config('{name}', {sql.quote('' if value is None else str(value))}, true)"
            for name, value in values.items()
        )
        return f"SELECT {', '.join(calls)}"


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
        _set_in_open_transaction()
        yield
    finally:
        _actor.reset(outer)
        _set_in_open_transaction()


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


def add_actor_to_transactions(*, connection: BaseDatabaseWrapper, **_: object) -> None:
    """Set the active actor in each transaction of a new connection."""
    if _execute_with_actor not in connection.execute_wrappers:
        # First, because Django removes the last one when a block ends that has added one.
        connection.execute_wrappers.insert(0, _execute_with_actor)


def _execute_with_actor(
    execute: Callable[..., Any], query: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    actor, cursor = _actor.get(), context["cursor"]
    if actor is None or _get_status(context["connection"]) != TransactionStatus.IDLE:
        return execute(query, params, many, context)
    if many or isinstance(cursor.cursor, ServerCursor):  # these take one statement only
        with transaction.atomic(context["connection"].alias):
            _set(context["connection"], actor)
            return execute(query, params, many, context)
    result = execute(f"{actor.statement}; {query}", params, many, context)
    cursor.nextset()
    return result


def _set_in_open_transaction() -> None:
    """Set the active actor, or none, if a transaction block is open. After an error its rollback does that."""
    if connection.in_atomic_block and _get_status(connection) in {TransactionStatus.IDLE, TransactionStatus.INTRANS}:
        _set(connection, _actor.get() or _Actor())


def _set(database: BaseDatabaseWrapper, actor: _Actor) -> None:
    with database.wrap_database_errors:
        database.connection.execute(actor.statement)


def _get_status(database: BaseDatabaseWrapper) -> TransactionStatus:
    if database.connection is None:
        return TransactionStatus.UNKNOWN
    return TransactionStatus(database.connection.info.transaction_status)
