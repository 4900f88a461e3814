"""A second database session, for tests marked with transaction=True."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from django.db import connection

HELD_UP_BY_US = (
    "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))"
)


def start_in_another_session(work: Callable[[], object]) -> Future[object]:
    """Start the work, and return when it has ended or waits for the end of this transaction."""
    session = ThreadPoolExecutor(max_workers=1)
    started = session.submit(_work_and_disconnect, work)
    session.shutdown(wait=False)
    while not (started.done() or _holds_up_others()):
        time.sleep(0.01)
    return started


def _work_and_disconnect(work: Callable[[], object]) -> object:
    try:
        return work()
    finally:
        connection.close()


def _holds_up_others() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(HELD_UP_BY_US)
        return bool(cursor.fetchone()[0])
