from django.db import Error, IntegrityError
from psycopg.errors import DeadlockDetected, LockNotAvailable


def is_collision(fault: Error) -> bool:
    """Whether two people changed the same rows at the same moment, so that one of them has to try again."""
    return isinstance(fault, IntegrityError) or isinstance(fault.__cause__, DeadlockDetected | LockNotAvailable)
