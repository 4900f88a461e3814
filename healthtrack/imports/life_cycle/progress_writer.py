"""Stores the progress of an import, whose own transaction nobody can see into until it is committed."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from django.db import Error, OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from healthtrack.imports.life_cycle import runs
from healthtrack.imports.models import ImportRun, Stage
from healthtrack.imports.progress import CancelledError, StoppedError, compute_fraction_done

if TYPE_CHECKING:
    import psycopg

TICK_SECONDS = 0.5


class ProgressWriter:
    """Takes the progress of an import. A thread stores it, and cancels the running statement if the import must end."""

    def __init__(self, run: ImportRun, is_stopping: Callable[[], bool]) -> None:
        self.run = run
        self.is_stopping = is_stopping
        self.session: psycopg.Connection[tuple[object, ...]] = connection.connection
        self.stage, self.done, self.total, self.in_bytes = Stage.READING, 0, 0, False
        self.stop_error: CancelledError | StoppedError | None = None
        self.ended = threading.Event()

    def begin(self, stage: Stage, total: int = 0, *, in_bytes: bool = False) -> None:
        self.stage, self.done, self.total, self.in_bytes = stage, 0, total, in_bytes
        self.advance(0)

    def advance(self, rows: int) -> None:
        self.done += rows
        if self.stop_error:
            raise self.stop_error

    def write_until_ended(self) -> None:
        """Store the progress at every tick, through a database session of its own."""
        with closing(connection.copy()) as own:
            while not self.ended.wait(TICK_SECONDS):
                try:
                    self._tick(own)
                except Error:
                    own.close()  # the import runs into the same error, and reports it

    def _tick(self, own: BaseDatabaseWrapper) -> None:
        items = (0, 0) if self.in_bytes else (self.done, self.total)
        fraction = compute_fraction_done(self.stage, self.done, self.total)
        cancel_requested = runs.record_progress(own, self.run.run_id, self.stage, items, fraction)
        if cancel_requested:
            self.stop_error = CancelledError()
        elif self.is_stopping():
            self.stop_error = StoppedError()
        if self.stop_error:
            self.session.cancel_safe()


@contextmanager
def track_progress(run: ImportRun, is_stopping: Callable[[], bool]) -> Iterator[ProgressWriter]:
    """Store the progress of the run while the block runs; enter it within the import's transaction.

    Raises CancelledError or StoppedError if the import must end.
    """
    writer = ProgressWriter(run, is_stopping)
    thread = threading.Thread(target=writer.write_until_ended, daemon=True)
    thread.start()
    try:
        yield writer
    except OperationalError as error:
        if writer.stop_error:  # the thread has cancelled the statement
            raise writer.stop_error from error
        raise
    finally:
        writer.ended.set()
        thread.join()
