"""A schema of its own for what a run has read, from its check to its end: `staged_rows`, `faults`, `faulty_rows`.

Within `entered` these names are the run's own; nobody else's session sees them so.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection
from django.db.backends.utils import CursorWrapper

from healthtrack.imports.sql import STAGED, quoted

_PREFIX = "import_run_"


@dataclass(frozen=True)
class StagingArea:
    run_id: int

    @property
    def schema(self) -> str:
        return quoted(f"{_PREFIX}{self.run_id:d}")

    def make(self) -> None:
        """Empty, whatever an attempt before this one has left."""
        self.drop()
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE SCHEMA {self.schema}")

    def drop(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP SCHEMA IF EXISTS {self.schema} CASCADE")

    def drop_rows(self) -> None:
        """Leaves the faults, and the faulty rows as they stood."""
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {self.schema}.{STAGED}")

    def holds(self, table: str) -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [f"{self.schema}.{quoted(table)}"])
            return bool(cursor.fetchone()[0])

    @contextmanager
    def entered(self) -> Iterator[CursorWrapper]:
        """To be used within a transaction, whose end also leaves the area."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('search_path')")
            (outside,) = cursor.fetchone()
            _search(cursor, f"{self.schema}, {outside}")
            yield cursor
            _search(cursor, outside)


def _search(cursor: CursorWrapper, path: str) -> None:
    cursor.execute("SELECT set_config('search_path', %s, true)", [path])


def areas() -> list[StagingArea]:
    """All that there are, whether or not their runs still need them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT substr(nspname, length(%(prefix)s) + 1)::bigint FROM pg_namespace"
            " WHERE nspname ~ ('^' || %(prefix)s || '[0-9]+$')",
            {"prefix": _PREFIX},
        )
        return [StagingArea(run_id) for (run_id,) in cursor.fetchall()]
