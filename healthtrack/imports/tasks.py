"""The jobs of imports. Their arguments name the run and nothing else."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from django.contrib import admin
from django.db import Error, IntegrityError, InterfaceError, OperationalError, connection
from procrastinate import JobContext, RetryStrategy
from procrastinate.contrib.django import app
from psycopg.errors import QueryCanceled

from healthtrack.core.database_errors import is_collision
from healthtrack.imports import runs
from healthtrack.imports.models import WORKING, ImportRun, State
from healthtrack.imports.progress import CancelledError, StoppedError
from healthtrack.imports.progress_writer import watched
from healthtrack.imports.undo.service import UndoneMeanwhileError
from healthtrack.imports.uploads import Upload

if TYPE_CHECKING:
    from healthtrack.imports.resources import SetResource
    from healthtrack.imports.runs import Watching

MOST_ATTEMPTS = 3
FILE_GONE = "The uploaded file is gone; upload it again."
NO_DATABASE = "The database broke the work off three times; upload the file again when it is well."
PROGRAM_FAULT = "HealthTrack itself failed at this file; its log says where. Tell an administrator the import's number."
WORKER_ENDED = "The program that worked on it was ended three times; upload the file again, or tell an administrator."

_Step = Callable[[ImportRun, "SetResource", "Watching"], None]
_WORTH_ANOTHER_TRY = (OperationalError, InterfaceError, IntegrityError, StoppedError)
_RETRY = RetryStrategy(max_attempts=MOST_ATTEMPTS - 1, wait=1, retry_exceptions=_WORTH_ANOTHER_TRY)
_ABANDONED = """
    SELECT run_id FROM import_runs AS run
     WHERE state = ANY(%s) AND started_at < now() - interval '10 seconds'
       AND NOT EXISTS (SELECT FROM procrastinate_jobs
                        WHERE status IN ('todo', 'doing') AND (args ->> 'run_id')::bigint = run.run_id)
"""


@app.task(pass_context=True, retry=_RETRY)
def check_import(context: JobContext, run_id: int) -> None:
    _work(context, run_id, State.CHECKING, _check)


@app.task(pass_context=True, retry=_RETRY, lock="imports")
def apply_import(context: JobContext, run_id: int) -> None:
    _work(context, run_id, State.APPLYING, runs.apply)


@app.periodic(cron="*/10 * * * *")
@app.task
def forget_old_imports(timestamp: int) -> None:  # noqa: ARG001 (periodic tasks are given one)
    runs.forget_old()


def resource_of(run: ImportRun) -> "SetResource":
    """What the admin imports such files with."""
    return admin.site.get_model_admin(run.model).resource_classes[0]()  # type: ignore[attr-defined,no-any-return]


def fail_abandoned() -> None:
    """Ends the runs that nobody works on or will: whoever did was killed too often, or was no worker."""
    with connection.cursor() as cursor:
        cursor.execute(_ABANDONED, [list(WORKING)])
        abandoned = [run_id for (run_id,) in cursor.fetchall()]
    for run in ImportRun.objects.filter(pk__in=abandoned):
        if not runs.is_worked_on(run.run_id):
            runs.end(run, State.FAILED, WORKER_ENDED if run.upload else runs.BROKEN_OFF)


def _check(run: ImportRun, resource: "SetResource", watching: "Watching") -> None:
    runs.check(run, resource, Upload(run.upload).path, watching)


def _work(context: JobContext, run_id: int, state: State, step: _Step) -> None:
    with runs.taken_up(run_id, state) as run:
        if run is None:
            return
        if run.cancel_asked:
            runs.end(run, State.CANCELLED)
            return
        try:
            step(run, resource_of(run), partial(watched, run, context.should_abort))
        except Exception as fault:
            if not _ends_quietly(run, fault):
                is_last = context.job.attempts >= MOST_ATTEMPTS - 1
                if is_last or not isinstance(fault, _WORTH_ANOTHER_TRY):
                    runs.end(run, State.FAILED, _reason(fault))
                raise


def _ends_quietly(run: ImportRun, fault: Exception) -> bool:
    cancelled = isinstance(fault, CancelledError) or isinstance(fault.__cause__, QueryCanceled)
    if cancelled and ImportRun.objects.filter(pk=run.pk, cancel_asked=True).exists():
        runs.end(run, State.CANCELLED)
        return True
    if isinstance(fault, UndoneMeanwhileError):
        runs.end(run, State.FAILED, str(fault))
        return True
    if isinstance(fault, FileNotFoundError):
        runs.end(run, State.FAILED, FILE_GONE)
        return True
    return False


def _reason(fault: Exception) -> str:
    if isinstance(fault, Error) and is_collision(fault):
        return runs.SOMEBODY_CHANGED
    if isinstance(fault, StoppedError):
        return WORKER_ENDED
    return NO_DATABASE if isinstance(fault, Error) else PROGRAM_FAULT
