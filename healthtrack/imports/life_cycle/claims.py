"""Claim a run for one worker, and record its progress."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from healthtrack.imports.life_cycle.locks import run_lock
from healthtrack.imports.models import ImportRun, Stage, State

_RECORD_PROGRESS = """
    UPDATE import_runs SET stage = %s, items_done = %s, items_total = %s, fraction_done = %s
     WHERE run_id = %s RETURNING cancel_requested
"""


@contextmanager
def claim_run(run_id: int, state: State) -> Iterator[ImportRun | None]:
    """Claim the run for one worker, and yield it; yield None if it is no longer in the state.

    Waits while another process works on the run.
    """
    with run_lock(run_id):
        claimable = ImportRun.objects.filter(pk=run_id, state=state)
        is_claimed = claimable.update(work_began_at=timezone.now(), stage=Stage.READING, fraction_done=0)
        yield ImportRun.objects.get(pk=run_id) if is_claimed else None


def record_progress(
    database: BaseDatabaseWrapper, run_id: int, stage: Stage, items: tuple[int, int], fraction_done: float
) -> bool:
    """Store the progress of a run through another database session. Return whether somebody requested to cancel it.

    `items` are those that are done, and those to do in the stage.
    """
    with database.cursor() as cursor:
        cursor.execute(_RECORD_PROGRESS, [stage, *items, fraction_done, run_id])
        return any(cancel_requested for (cancel_requested,) in cursor.fetchall())


def is_cancel_requested(run: ImportRun) -> bool:
    """Return whether somebody has requested to cancel the run."""
    return ImportRun.objects.filter(pk=run.pk, cancel_requested=True).exists()
