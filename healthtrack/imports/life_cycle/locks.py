"""Advisory locks on runs. A process holds the lock of the run that it works on; its session ends with the process.

Workers and commands lock runs across transactions. They connect to the database directly: in a pool in transaction
mode, the lock would stay with a session that somebody else uses next.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import Error, connection

from healthtrack.core.database.pooling import is_pooled

_LOCK = 0x48545255  # any number, the same for all runs


@contextmanager
def run_lock(run_id: int) -> Iterator[None]:
    """Hold the lock of a run while the block runs; wait until nobody else holds it.

    Raises RuntimeError if the connection goes through a pool.
    """
    if is_pooled(connection):
        raise RuntimeError("A run cannot be locked through a connection pool.")
    with connection.cursor() as cursor:
        # If the process is killed during a long statement, its session soon ends, and the lock with it.
        cursor.execute("SET client_connection_check_interval = '1s'")
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", _key(run_id))
    try:
        yield
    finally:
        with suppress(Error), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", _key(run_id))


def lock_until_commit(run_id: int) -> None:
    """Hold the lock of a run until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", _key(run_id))


def is_locked(run_id: int) -> bool:
    """Return whether some process works on the run."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", _key(run_id))
        (is_free,) = cursor.fetchone()
        if is_free:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", _key(run_id))
    return not is_free


def _key(run_id: int) -> list[int]:
    return [_LOCK, run_id % 2**31]
