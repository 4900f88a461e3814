"""Workers in processes of their own on the database of the tests, and locks that delay them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import LiteralString

import psycopg
from django.conf import settings

from healthtrack.imports.models import ImportRun, State
from tests.support import embedded_postgres
from tests.support.database_sessions import HELD_UP_BY_US
from tests.support.databases import database_of_the_tests

PATIENCE_SECONDS = 90.0  # on a busy machine
# An import removes this link at the very end, after everything else is written.
LINK = "SELECT FROM medical_record_and_trackers WHERE patient_id = 'P1' FOR UPDATE"
END_WAITING_SESSIONS = """
    SELECT pg_terminate_backend(pid) FROM pg_locks
     WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))
"""

wait_for = partial(embedded_postgres.wait_for, seconds=PATIENCE_SECONDS)


def environment_of_the_tests() -> dict[str, str]:
    data = str(settings.MEDIA_ROOT.parent)
    return {**os.environ, "DATABASE_URL": database_of_the_tests().url, "HEALTHTRACK_DATA_DIR": data}


class Worker:
    """A worker process."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask the worker to stop, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS)


@contextmanager
def worker(*arguments: str, environment: dict[str, str] | None = None) -> Iterator[Worker]:
    """Run a worker while the block runs."""
    command = (sys.executable, "-m", "tests.support.quick_worker", *arguments)
    environment = {"DJANGO_SETTINGS_MODULE": "healthtrack.settings", **(environment or environment_of_the_tests())}
    with subprocess.Popen(command, env=environment, cwd=settings.BASE_DIR, stdin=subprocess.PIPE) as process:
        try:
            yield Worker(process)
        finally:
            process.kill()


class HeldLock:
    """A database session that holds a lock."""

    def __init__(self, session: psycopg.Connection) -> None:
        self.session = session

    def is_waited_for(self) -> bool:
        """Return whether another session waits for the lock."""
        return self.session.execute(HELD_UP_BY_US).fetchone() == (True,)

    def end(self) -> None:
        self.session.rollback()

    def end_waiting_sessions(self) -> None:
        """End the waiting sessions, as if their machine had gone."""
        self.session.execute(END_WAITING_SESSIONS)


@contextmanager
def hold_lock(statement: LiteralString, database: str = "") -> Iterator[HeldLock]:
    """Lock what the statement locks while the block runs."""
    with psycopg.connect(database or database_of_the_tests().url) as session:
        session.execute(statement)
        yield HeldLock(session)


def wait_for_state(run: ImportRun, state: State) -> ImportRun:
    """Wait until the run is in the state, and return it refreshed."""
    wait_for(lambda: ImportRun.objects.filter(pk=run.pk, state=state).exists())
    run.refresh_from_db()
    return run
