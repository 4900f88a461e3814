"""The jobs of imports. Their only argument is the number of the run."""

from collections.abc import Callable, Sequence
from functools import partial

from django.db import connection
from procrastinate import BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.contrib.django import app
from procrastinate.jobs import Job

from healthtrack.imports.importer import StoredFile
from healthtrack.imports.life_cycle import expiring, runs, steps
from healthtrack.imports.life_cycle.locks import is_locked
from healthtrack.imports.life_cycle.mails import mail_result
from healthtrack.imports.life_cycle.outcomes import get_outcome
from healthtrack.imports.life_cycle.progress_writer import track_progress
from healthtrack.imports.models import WORKING, ImportRun, State
from healthtrack.imports.reasons import Reason

MAX_ATTEMPTS = 3

_Step = Callable[[ImportRun, Sequence[StoredFile], steps.ProgressFactory], None]
_ABANDONED = """
    SELECT run_id FROM import_runs AS run
     WHERE state = ANY(%s) AND started_at < now() - interval '10 seconds'
       AND NOT EXISTS (SELECT FROM procrastinate_jobs
                        WHERE status IN ('todo', 'doing') AND (args ->> 'run_id')::bigint = run.run_id)
"""


def is_last_attempt(job: Job) -> bool:
    """Return whether the job will not be tried again if it fails now."""
    return job.attempts >= MAX_ATTEMPTS - 1


class RetryTransientErrors(BaseRetryStrategy):
    """Try a job again after a second if its error may be temporary."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        may_succeed = get_outcome(exception).retry and not is_last_attempt(job)
        return RetryDecision(retry_in={"seconds": 1}) if may_succeed else None


@app.task(pass_context=True, retry=RetryTransientErrors())
def check_import(context: JobContext, run_id: int) -> None:
    """Check the files of the run."""
    _run_step(context, run_id, State.CHECKING, steps.check)


@app.task(pass_context=True, retry=RetryTransientErrors(), lock="imports")
def apply_import(context: JobContext, run_id: int) -> None:
    """Import the files of the run, or do the undo. The lock makes sure that one job runs after the other."""
    _run_step(context, run_id, State.APPLYING, steps.apply)


@app.periodic(cron="*/10 * * * *")
@app.task
def forget_old_imports(timestamp: int) -> None:  # noqa: ARG001 (periodic tasks receive one)
    """Remove what has expired."""
    expiring.remove_expired()


def fail_abandoned() -> None:
    """End the runs that no job is left for: their worker was killed too often, or they ran in a command that died."""
    with connection.cursor() as cursor:
        cursor.execute(_ABANDONED, [list(WORKING)])
        abandoned = [run_id for (run_id,) in cursor.fetchall()]
    for run in ImportRun.objects.filter(pk__in=abandoned).with_files():
        if not is_locked(run.run_id):
            runs.end(run, State.FAILED, Reason.WORKER_ENDED if run.has_uploads else Reason.INTERRUPTED)


def _run_step(context: JobContext, run_id: int, state: State, step: _Step) -> None:
    """Claim the run, do the step, and end the run if an exception leaves no hope of another attempt."""
    with runs.claim_run(run_id, state) as run:
        if run is None:
            return
        if run.cancel_requested:
            runs.end(run, State.CANCELLED)
            return
        try:
            with steps.open_uploads(run) as files:
                step(run, files, partial(track_progress, run, context.should_abort))
        except Exception as error:
            outcome = get_outcome(error, partial(runs.is_cancel_requested, run))
            if not outcome.retry or is_last_attempt(context.job):
                runs.end(run, outcome.state, outcome.reason, outcome.params)
            if outcome.is_error:
                mail_result(run)
                raise
        mail_result(run)
