"""Classify errors of the database."""

from django.db import Error, IntegrityError
from psycopg.errors import DeadlockDetected, LockNotAvailable


def is_write_conflict(error: Error) -> bool:
    """Return whether two people changed the same rows at the same time, so that one of them has to try again."""
    return isinstance(error, IntegrityError) or isinstance(error.__cause__, DeadlockDetected | LockNotAvailable)
