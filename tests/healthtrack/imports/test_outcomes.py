"""The state and reason of a run that an exception ended, for the worker and the command line alike."""

import pytest
from django.db import DataError, Error, IntegrityError, InterfaceError, OperationalError
from psycopg import errors

from healthtrack.imports.life_cycle.outcomes import AlreadyUndoneError, Outcome, get_outcome
from healthtrack.imports.models import State
from healthtrack.imports.progress import CancelledError, StoppedError
from healthtrack.imports.reasons import Reason


def caused_by(error: Error, cause: Exception) -> Error:
    error.__cause__ = cause
    return error


CANCELLED_STATEMENT = caused_by(OperationalError(), errors.QueryCanceled())
DEADLOCK = caused_by(OperationalError(), errors.DeadlockDetected())


@pytest.mark.parametrize(
    ("error", "reason", "retry"),
    [
        (StoppedError(), Reason.WORKER_ENDED, True),
        (OperationalError(), Reason.DATABASE_LOST, True),
        (InterfaceError(), Reason.DATABASE_LOST, True),
        (IntegrityError(), Reason.COLLISION, True),
        (DEADLOCK, Reason.COLLISION, True),
        (CANCELLED_STATEMENT, Reason.DATABASE_LOST, True),
        (AlreadyUndoneError(), Reason.ALREADY_UNDONE, False),
        (FileNotFoundError(), Reason.FILE_GONE, False),
        (DataError(), Reason.PROGRAM_ERROR, False),
        (ZeroDivisionError(), Reason.PROGRAM_ERROR, False),
        (KeyboardInterrupt(), Reason.INTERRUPTED, False),
        (SystemExit(), Reason.INTERRUPTED, False),
    ],
)
def test_a_run_fails_with_a_reason_and_is_tried_again_if_that_may_help(
    error: BaseException, reason: Reason, retry: bool
) -> None:
    assert get_outcome(error) == Outcome(State.FAILED, reason, retry=retry)


def test_a_cancelled_run_has_no_reason() -> None:
    assert get_outcome(CancelledError()) == Outcome(State.CANCELLED)


def test_a_cancelled_statement_means_a_cancelled_run_if_somebody_requested_it() -> None:
    assert get_outcome(CANCELLED_STATEMENT, lambda: True) == Outcome(State.CANCELLED)


@pytest.mark.parametrize(
    ("error", "is_error"),
    [(OperationalError(), True), (ZeroDivisionError(), True), (CancelledError(), False), (FileNotFoundError(), False)],
)
def test_the_log_has_the_errors_that_an_administrator_should_look_into(error: Exception, is_error: bool) -> None:
    assert get_outcome(error).is_error is is_error
