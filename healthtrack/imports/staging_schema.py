"""The PostgreSQL schema that holds a run's rows and errors, from its check to its end.

Within `open_cursor` the names of its tables mean the run's own, and other sessions do not see them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection
from django.db.backends.utils import CursorWrapper

from healthtrack.imports.sql import STAGED, quoted

_PREFIX = "import_run_"


@dataclass(frozen=True)
class StagingSchema:
    """The staging schema of one run, whether it exists or not."""

    run_id: int

    @property
    def name(self) -> str:
        return quoted(f"{_PREFIX}{self.run_id:d}")

    def create(self) -> None:
        """Create the schema without tables, instead of one that an earlier attempt has left."""
        self.drop()
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE SCHEMA {self.name}")

    def drop(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP SCHEMA IF EXISTS {self.name} CASCADE")

    def drop_rows(self) -> None:
        """Drop the staged rows, and leave the errors and the invalid rows."""
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {self.name}.{STAGED}")

    def has_table(self, table: str) -> bool:
        """Return whether the schema exists and has the table."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [f"{self.name}.{quoted(table)}"])
            return bool(cursor.fetchone()[0])

    @contextmanager
    def open_cursor(self) -> Iterator[CursorWrapper]:
        """Open a cursor that finds the run's tables by their bare names. Only to be called within a transaction."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('search_path')")
            (search_path,) = cursor.fetchone()
            _set_search_path(cursor, f"{self.name}, {search_path}")
            yield cursor
            _set_search_path(cursor, search_path)


def _set_search_path(cursor: CursorWrapper, path: str) -> None:
    cursor.execute("SELECT set_config('search_path', %s, true)", [path])


def list_staging_schemas() -> list[StagingSchema]:
    """Return all staging schemas that exist, whether or not their runs still need them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT substr(nspname, length(%(prefix)s) + 1)::bigint FROM pg_namespace"
            " WHERE nspname ~ ('^' || %(prefix)s || '[0-9]+$')",
            {"prefix": _PREFIX},
        )
        return [StagingSchema(run_id) for (run_id,) in cursor.fetchall()]
