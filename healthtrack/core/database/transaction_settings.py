"""Settings of PostgreSQL that hold for one transaction and end with it.

A connection that several people use in turn, as with a connection pool, then never has the settings of somebody else.
The first statement of each transaction is sent together with the one that sets them, so they cost no further round
trip. Outside of a transaction block each statement is a transaction of its own.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import ServerCursor, sql
from psycopg.pq import TransactionStatus

Setting = tuple[str, object]  # name and value; None stands for an empty value
Source = Callable[[BaseDatabaseWrapper], Iterable[Setting]]

_sources: list[Source] = []


def register(source: Source) -> None:
    """Ask this function for settings at the start of each transaction; it returns those that now hold."""
    _sources.append(source)


def add_to_connection(*, connection: BaseDatabaseWrapper, **_: object) -> None:
    """Set the settings in each transaction of a new connection."""
    if _execute_with_settings not in connection.execute_wrappers:
        # First, because Django removes the last one when a block ends that has added one.
        connection.execute_wrappers.insert(0, _execute_with_settings)


def set_in_open_transaction(database: BaseDatabaseWrapper, settings: Iterable[Setting]) -> None:
    """Change settings if a transaction block is open. After an error its rollback does that."""
    if database.in_atomic_block and _get_status(database) in {TransactionStatus.IDLE, TransactionStatus.INTRANS}:
        _execute(database, write_statement(settings))


def _execute_with_settings(
    execute: Callable[..., Any], query: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    database, cursor = context["connection"], context["cursor"]
    if _get_status(database) != TransactionStatus.IDLE:
        return execute(query, params, many, context)
    settings = [setting for source in _sources for setting in source(database)]
    if not settings:
        return execute(query, params, many, context)
    statement = write_statement(settings)
    if many or isinstance(cursor.cursor, ServerCursor):  # these take one statement only
        with transaction.atomic(database.alias):
            _execute(database, statement)
            return execute(query, params, many, context)
    result = execute(f"{statement}; {query}", params, many, context)
    cursor.nextset()
    return result


def write_statement(settings: Iterable[Setting]) -> str:
    """Return a statement that sets them until the end of the transaction. It needs no parameters."""
    calls = (
        f"set_config('{name}', {sql.quote('' if value is None else str(value))}, true)" for name, value in settings
    )
    return f"SELECT {', '.join(calls)}"


def _execute(database: BaseDatabaseWrapper, statement: str) -> None:
    with database.wrap_database_errors:
        database.connection.execute(statement)


def _get_status(database: BaseDatabaseWrapper) -> TransactionStatus:
    if database.connection is None:
        return TransactionStatus.UNKNOWN
    return TransactionStatus(database.connection.info.transaction_status)
