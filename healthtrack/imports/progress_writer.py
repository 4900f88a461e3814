"""Tells how far an import is, while the import itself is in a transaction that nobody sees into."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from django.db import Error, OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from healthtrack.imports import runs
from healthtrack.imports.models import ImportRun, Stage
from healthtrack.imports.progress import CancelledError, StoppedError

if TYPE_CHECKING:
    import psycopg

TICK_SECONDS = 0.5


class Watch:
    """The import says what it does; a thread writes that down, and ends the statement of an import that is to stop."""

    def __init__(self, run: ImportRun, is_stopping: Callable[[], bool]) -> None:
        self.run = run
        self.is_stopping = is_stopping
        self.session: psycopg.Connection[tuple[object, ...]] = connection.connection
        self.stage, self.done, self.total = Stage.READING, 0, 0
        self.told_to_stop: CancelledError | StoppedError | None = None
        self.ended = threading.Event()

    def begin(self, stage: Stage, total: int = 0) -> None:
        self.stage, self.done, self.total = stage, 0, total
        self.advance(0)

    def advance(self, rows: int) -> None:
        self.done += rows
        if self.told_to_stop:
            raise self.told_to_stop

    def keep(self) -> None:
        with closing(connection.copy()) as own:
            while not self.ended.wait(TICK_SECONDS):
                try:
                    self._tick(own)
                except Error:
                    own.close()  # the import has the same trouble, and tells it

    def _tick(self, own: BaseDatabaseWrapper) -> None:
        cancel_requested = runs.record_progress(own, self.run.run_id, self.stage, self.done, self.total)
        if cancel_requested:
            self.told_to_stop = CancelledError()
        elif self.is_stopping():
            self.told_to_stop = StoppedError()
        if self.told_to_stop:
            self.session.cancel_safe()


@contextmanager
def watched(run: ImportRun, is_stopping: Callable[[], bool]) -> Iterator[Watch]:
    """To be entered within the import's transaction."""
    watch = Watch(run, is_stopping)
    writer = threading.Thread(target=watch.keep, daemon=True)
    writer.start()
    try:
        yield watch
    except OperationalError as fault:
        if watch.told_to_stop:
            raise watch.told_to_stop from fault
        raise
    finally:
        watch.ended.set()
        writer.join()
