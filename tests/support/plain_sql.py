"""What PostgreSQL itself takes and refuses, asked in plain SQL, as by a client that knows nothing of the program."""

import psycopg
import pytest
from django.db import Error, connection, transaction


def execute(statement: str, *values: str | int, **named: str | int) -> None:
    """Executes the statement, and checks what is otherwise left to the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(statement, named or values)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def refusal(statement: str, *values: str | int) -> psycopg.errors.Diagnostic:
    """How PostgreSQL refuses the statement."""
    with pytest.raises(Error) as refused, transaction.atomic():
        execute(statement, *values)
    assert isinstance(refused.value.__cause__, psycopg.Error)
    return refused.value.__cause__.diag
