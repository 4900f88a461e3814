"""The contents of a database, to compare them after a restore."""

import hashlib
from collections.abc import Callable
from typing import Any

from tests.support.databases import database_of_the_tests

SHAPES = (
    # Not the words of a check, which PostgreSQL puts in another order when it reads them.
    (
        "SELECT conname, CASE contype WHEN 'c' THEN '' ELSE pg_get_constraintdef(oid) END FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace"
    ),
    "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    # By the columns' names: their numbers have gaps where a migration has dropped a column, and a restore closes them.
    (
        "SELECT relname, coalesce(attname, ''), description FROM pg_description"
        " JOIN pg_class ON oid = objoid AND relkind IN ('r', 'v')"
        " LEFT JOIN pg_attribute ON attrelid = objoid AND attnum = objsubid"
    ),
    "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'",
)
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"

# Leads Django's connection to another database while it is used.
Use = Callable[[], Any]


def contents() -> dict[str, str]:
    """A hash of each table's rows, and of what keeps them in order."""
    database = database_of_the_tests()
    tables = [name for (name,) in database.ask(TABLES)]
    asked = {table: f"SELECT t::text FROM {table} AS t" for table in tables} | {shape: shape for shape in SHAPES}
    return {name: hashlib.sha256(repr(sorted(database.ask(sql))).encode()).hexdigest() for name, sql in asked.items()}
