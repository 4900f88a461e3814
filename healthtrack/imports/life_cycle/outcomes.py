"""The state and reason of a run that an exception ended: one mapping for the worker and the command line."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import Error, InterfaceError, OperationalError
from psycopg.errors import QueryCanceled

from healthtrack.core.database.errors import is_write_conflict
from healthtrack.imports.models import State
from healthtrack.imports.progress import CancelledError, StoppedError
from healthtrack.imports.reasons import Reason
from healthtrack.imports.uploads.storage_errors import StorageError


class AlreadyUndoneError(Exception):
    """Somebody else undid the run first."""


class CollisionError(Exception):
    """Somebody changed, since the check, what the import depends on."""


@dataclass(frozen=True)
class Outcome:
    """The state that a run ends in, and why. With `retry`, another attempt may succeed."""

    state: State
    reason: Reason = Reason.NONE
    params: Mapping[str, Any] = field(default_factory=dict)
    retry: bool = False

    @property
    def is_error(self) -> bool:
        """Whether an administrator should look into it, so that the exception belongs in the log."""
        return self.retry or self.reason == Reason.PROGRAM_ERROR


_BY_EXCEPTION: tuple[tuple[type[BaseException], Outcome], ...] = (
    (CancelledError, Outcome(State.CANCELLED)),
    (StoppedError, Outcome(State.FAILED, Reason.WORKER_ENDED, retry=True)),
    (CollisionError, Outcome(State.FAILED, Reason.COLLISION)),
    (AlreadyUndoneError, Outcome(State.FAILED, Reason.ALREADY_UNDONE)),
    (FileNotFoundError, Outcome(State.FAILED, Reason.FILE_GONE)),
    (StorageError, Outcome(State.FAILED, Reason.STORAGE_LOST, retry=True)),
    (OperationalError, Outcome(State.FAILED, Reason.DATABASE_LOST, retry=True)),
    (InterfaceError, Outcome(State.FAILED, Reason.DATABASE_LOST, retry=True)),
    (Exception, Outcome(State.FAILED, Reason.PROGRAM_ERROR)),
    (BaseException, Outcome(State.FAILED, Reason.INTERRUPTED)),
)


def get_outcome(error: BaseException, cancel_requested: Callable[[], bool] = lambda: False) -> Outcome:
    """Return how a run ends when this exception ended it.

    A cancelled statement means a cancelled run if `cancel_requested` confirms that somebody requested it.
    """
    if isinstance(error.__cause__, QueryCanceled) and cancel_requested():
        return Outcome(State.CANCELLED)
    if isinstance(error, Error) and is_write_conflict(error):
        return Outcome(State.FAILED, Reason.COLLISION, retry=True)
    return next(outcome for kind, outcome in _BY_EXCEPTION if isinstance(error, kind))
