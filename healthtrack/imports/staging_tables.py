"""The tables of the schema `imports` that hold a run's rows and errors, from its check to its end.

Versions before 0.2.0 made a schema for each run. The tables of runs that such a version checked are still used there,
and dropped with the run. They belong to the application's role, so the owner's, which migrates, may not move them.
"""

from dataclasses import dataclass

from django.db import connection
from django.db.backends.utils import CursorWrapper

STAGING_SCHEMA = "imports"
_OLD_SCHEMA = "import_run_"
_TABLES_OF_RUN = """
    SELECT format('%%I.%%I', schemaname, tablename) FROM pg_tables WHERE schemaname = %s AND tablename LIKE %s
"""
_RUNS = """
    SELECT substring(tablename FROM '^run_([0-9]+)_')::bigint FROM pg_tables WHERE schemaname = %(schema)s
    UNION
    SELECT substr(nspname, length(%(old)s) + 1)::bigint FROM pg_namespace WHERE nspname ~ ('^' || %(old)s || '[0-9]+$')
"""


@dataclass(frozen=True)
class StagingTables:
    """The names of a run's staging tables, with their schema, whether they exist or not."""

    prefix: str
    errors_name: str = "errors"
    invalid_rows_name: str = "invalid_rows"

    @property
    def rows(self) -> str:
        return f"{self.prefix}staged_rows"

    @property
    def errors(self) -> str:
        return f"{self.prefix}{self.errors_name}"

    @property
    def invalid_rows(self) -> str:
        return f"{self.prefix}{self.invalid_rows_name}"

    @property
    def duplicate_rows(self) -> str:
        return f"{self.prefix}duplicate_rows"


def replace_schema(cursor: CursorWrapper) -> None:
    """Drop all staging tables, and create their schema again. A restore does this, because backups hold neither."""
    cursor.execute(f"DROP SCHEMA IF EXISTS {STAGING_SCHEMA} CASCADE")
    cursor.execute(f"CREATE SCHEMA {STAGING_SCHEMA}")


def find(run_id: int) -> StagingTables:
    """Return the staging tables of the run: those of an old schema, if it has one."""
    old = f"{_OLD_SCHEMA}{run_id:d}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regnamespace(%s) IS NOT NULL", [old])
        (is_old,) = cursor.fetchone()
    return StagingTables(f"{old}.", "faults", "faulty_rows") if is_old else StagingTables(_get_prefix(run_id))


def begin(run_id: int) -> StagingTables:
    """Return the names for new tables of the run, after dropping those that an earlier attempt has left."""
    drop(run_id)
    return StagingTables(_get_prefix(run_id))


def drop(run_id: int, *, leave: str = "") -> None:
    """Drop all staging tables of the run, except the table `leave`."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLES_OF_RUN, [STAGING_SCHEMA, rf"run\_{run_id:d}\_%"])
        tables = [table for (table,) in cursor.fetchall() if table != leave]
        if tables:
            cursor.execute(f"DROP TABLE {', '.join(tables)}")
        cursor.execute(f"DROP SCHEMA IF EXISTS {_OLD_SCHEMA}{run_id:d} CASCADE")


def drop_rows(run_id: int) -> None:
    """Drop the staged rows of the run, and leave its errors, invalid rows and duplicate rows."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {find(run_id).rows}")


def exists(table: str) -> bool:
    """Return whether the table exists."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [table])
        return bool(cursor.fetchone()[0])


def list_staged_runs() -> set[int]:
    """Return the numbers of all runs that have staging tables, whether or not they still need them."""
    with connection.cursor() as cursor:
        cursor.execute(_RUNS, {"schema": STAGING_SCHEMA, "old": _OLD_SCHEMA})
        return {run_id for (run_id,) in cursor.fetchall() if run_id is not None}


def _get_prefix(run_id: int) -> str:
    return f"{STAGING_SCHEMA}.run_{run_id:d}_"
