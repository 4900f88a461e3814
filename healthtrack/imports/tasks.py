"""The jobs of imports. Their arguments name the run and nothing else."""

from collections.abc import Callable, Sequence
from functools import partial

from django.db import connection
from procrastinate import BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.contrib.django import app
from procrastinate.jobs import Job

from healthtrack.imports import runs
from healthtrack.imports.importer import StoredFile
from healthtrack.imports.models import WORKING, ImportRun, State
from healthtrack.imports.outcomes import outcome_of
from healthtrack.imports.progress_writer import watched
from healthtrack.imports.reasons import Reason
from healthtrack.imports.run_locks import is_locked

MAX_ATTEMPTS = 3

_Step = Callable[[ImportRun, Sequence[StoredFile], runs.ProgressFactory], None]
_ABANDONED = """
    SELECT run_id FROM import_runs AS run
     WHERE state = ANY(%s) AND started_at < now() - interval '10 seconds'
       AND NOT EXISTS (SELECT FROM procrastinate_jobs
                        WHERE status IN ('todo', 'doing') AND (args ->> 'run_id')::bigint = run.run_id)
"""


def is_last_attempt(job: Job) -> bool:
    return job.attempts >= MAX_ATTEMPTS - 1


class RetryPassingErrors(BaseRetryStrategy):
    """Try again, a second later, what may succeed then."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        may_succeed = outcome_of(exception).retry and not is_last_attempt(job)
        return RetryDecision(retry_in={"seconds": 1}) if may_succeed else None


@app.task(pass_context=True, retry=RetryPassingErrors())
def check_import(context: JobContext, run_id: int) -> None:
    _work(context, run_id, State.CHECKING, runs.check)


@app.task(pass_context=True, retry=RetryPassingErrors(), lock="imports")
def apply_import(context: JobContext, run_id: int) -> None:
    _work(context, run_id, State.APPLYING, runs.apply)


@app.periodic(cron="*/10 * * * *")
@app.task
def forget_old_imports(timestamp: int) -> None:  # noqa: ARG001 (periodic tasks are given one)
    runs.forget_old()


def fail_abandoned() -> None:
    """End the runs that nobody works on or will: whoever did was killed too often, or was no worker."""
    with connection.cursor() as cursor:
        cursor.execute(_ABANDONED, [list(WORKING)])
        abandoned = [run_id for (run_id,) in cursor.fetchall()]
    for run in ImportRun.objects.filter(pk__in=abandoned).with_files():
        if not is_locked(run.run_id):
            runs.end(run, State.FAILED, Reason.WORKER_ENDED if run.has_uploads else Reason.INTERRUPTED)


def _work(context: JobContext, run_id: int, state: State, step: _Step) -> None:
    with runs.claim_run(run_id, state) as run:
        if run is None:
            return
        if run.cancel_requested:
            runs.end(run, State.CANCELLED)
            return
        try:
            step(run, runs.uploaded_files(run), partial(watched, run, context.should_abort))
        except Exception as error:
            outcome = outcome_of(error, partial(runs.is_cancel_requested, run))
            if not outcome.retry or is_last_attempt(context.job):
                runs.end(run, outcome.state, outcome.reason, outcome.params)
            if outcome.is_error:
                raise
