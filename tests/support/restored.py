"""Compare the contents of a database before and after a restore."""

import hashlib
from collections.abc import Callable
from typing import Any

from healthtrack.operations.models import Backup, Restore
from tests.support.databases import database_of_the_tests

SHAPES = (
    # Without the expressions of checks, which PostgreSQL rewrites when it reads them.
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

# Connects Django to another database during a block.
Use = Callable[[], Any]


def contents() -> dict[str, str]:
    """Return a hash of the rows of each table, and of the definitions of constraints, indexes, triggers and views.

    The tables of restores and backups are left out, because each restore and each backup adds a row to them.
    """
    database = database_of_the_tests()
    left_out = {Restore._meta.db_table, Backup._meta.db_table}
    tables = [name for (name,) in database.ask(TABLES) if name not in left_out]
    queries = {table: f"SELECT t::text FROM {table} AS t" for table in tables} | {shape: shape for shape in SHAPES}
    return {name: hashlib.sha256(repr(sorted(database.ask(sql))).encode()).hexdigest() for name, sql in queries.items()}
