"""Plain SQL, as from a client that knows nothing about the program: what PostgreSQL itself accepts and rejects."""

import psycopg
import pytest
from django.db import Error, connection, transaction


def execute(statement: str, *values: str | int, **named: str | int) -> None:
    """Execute the statement, and check the constraints that are deferred to the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(statement, named or values)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def get_database_error(statement: str, *values: str | int) -> psycopg.errors.Diagnostic:
    """Return the details of the error with which PostgreSQL rejects the statement."""
    with pytest.raises(Error) as error, transaction.atomic():
        execute(statement, *values)
    assert isinstance(error.value.__cause__, psycopg.Error)
    return error.value.__cause__.diag
