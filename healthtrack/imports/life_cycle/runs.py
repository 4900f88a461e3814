"""The rows of runs, from their opening to their end. Only this module writes them; what writes results calls it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from healthtrack.imports import registry
from healthtrack.imports.life_cycle.locks import run_lock
from healthtrack.imports.life_cycle.undone_runs import is_undoable
from healthtrack.imports.models import (
    AWAITING_PERSON,
    MAX_FILE_NAME_LENGTH,
    ImportFile,
    ImportRun,
    Kind,
    Stage,
    State,
)
from healthtrack.imports.reading_plans import ReadingPlan
from healthtrack.imports.reasons import Reason
from healthtrack.imports.results import ApplyResult, CheckResult, StalePreview
from healthtrack.imports.row_warnings import Decision
from healthtrack.imports.uploads.stored import Upload

# If the undone run is an undo itself, the run that it undid is applied again, and so on.
_MARK_UNDONE = """
    WITH RECURSIVE chain AS (
        SELECT run_id, undoes_id, %(undone)s AS state FROM import_runs WHERE run_id = %(run)s
        UNION ALL
        SELECT run.run_id, run.undoes_id, CASE chain.state WHEN %(undone)s THEN %(applied)s ELSE %(undone)s END
          FROM import_runs AS run JOIN chain ON run.run_id = chain.undoes_id
    )
    UPDATE import_runs AS run SET state = chain.state FROM chain WHERE run.run_id = chain.run_id
"""
_RECORD_PROGRESS = """
    UPDATE import_runs SET stage = %s, items_done = %s, items_total = %s, fraction_done = %s
     WHERE run_id = %s RETURNING cancel_requested
"""
_SAVE_POSITION = """
    UPDATE import_runs SET written_position = pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint
     WHERE run_id = %s AND started_by_id IS NOT NULL
"""
_NEWS = (State.APPLIED, State.REFUSED, State.FAILED)
_WAITING_FOR_WORKER: dict[str, Any] = {"stage": Stage.WAITING, "fraction_done": 0, "work_began_at": None}


class FileFacts(NamedTuple):
    """What a run stores about a file; `upload` is the random name of the stored upload, if it is stored."""

    name: str
    size: int
    sha256: str
    upload: str = ""


@dataclass(frozen=True)
class Instructions:
    """What somebody says in advance: how to read the files, which kinds of warnings to import, and what to skip.

    `without_invalid` imports the valid items although others are invalid.
    """

    answers: Mapping[str, str] = field(default_factory=dict)
    accepted: Collection[str] = ()
    without_invalid: bool = False


NO_INSTRUCTIONS = Instructions()


def open_run(
    importer: str,
    files: Sequence[FileFacts],
    *,
    user: User | None = None,
    instructions: Instructions = NO_INSTRUCTIONS,
) -> ImportRun:
    """Create and return a run of these files, in the state CHECKING. Call this within a transaction."""
    run = ImportRun.objects.create(
        importer=importer,
        started_by=user,
        started_at=timezone.now(),
        answers=dict(instructions.answers),
        decisions=dict.fromkeys(instructions.accepted, Decision.IMPORT),
        without_invalid=instructions.without_invalid,
    )
    ImportFile.objects.bulk_create(
        ImportFile(
            run=run,
            position=position,
            name=file.name[-MAX_FILE_NAME_LENGTH:],
            size=file.size,
            sha256=file.sha256,
            upload=file.upload,
        )
        for position, file in enumerate(files, start=1)
    )
    return run


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


def save_check(run: ImportRun, result: CheckResult | None, seconds: float) -> None:
    """Store the plan of the run and what the check found; without a result, the plan has questions for a person."""
    check_seconds = (run.check_seconds or 0) + seconds
    if result is None:
        _save(run, state=State.QUESTIONS, plan=run.plan, check_seconds=check_seconds)
        return
    _save(
        run,
        plan=run.plan,
        read_count=result.read,
        invalid_count=result.invalid,
        error_count=result.errors,
        affected_count=result.affected,
        result=dict(result.details),
        check_seconds=check_seconds,
    )
    if result.refused:
        _end(run, State.REFUSED, result.refused)
    else:
        _save(run, state=State.CHECKED)


def save_preview(run: ImportRun, preview: StalePreview) -> None:
    """Let the run wait for a person again, with a new preview and its decisions."""
    _save(
        run,
        state=State.CHECKED,
        decisions=run.decisions,
        affected_count=preview.affected,
        result={**run.result, **preview.details},
    )


def save_applied(run: ImportRun, result: ApplyResult, first_change: int, seconds: float) -> None:
    """Mark the run as applied, and a run that it undoes as undone, within the transaction that wrote the result."""
    _save(
        run,
        affected_count=result.affected,
        result={**run.result, **result.details},
        first_change=first_change,
        apply_seconds=seconds,
    )
    if run.is_undo:
        with connection.cursor() as cursor:
            cursor.execute(_MARK_UNDONE, {"run": run.undoes_id, "undone": State.UNDONE, "applied": State.APPLIED})
    _end(run, State.APPLIED)


def save_position(run: ImportRun) -> None:
    """Store the present position in the log of the database with the run, if a person started it."""
    with connection.cursor() as cursor:
        cursor.execute(_SAVE_POSITION, [run.run_id])


def end(run: ImportRun, state: State, reason: Reason = Reason.NONE, params: Mapping[str, Any] | None = None) -> None:
    """End the run in this state, and remove its uploads and staged rows."""
    with transaction.atomic():
        _end(run, state, reason, params)


def _end(run: ImportRun, state: State, reason: Reason = Reason.NONE, params: Mapping[str, Any] | None = None) -> None:
    """End the run, within a transaction. Its errors stay until their retention is over, for people to download."""
    stored = run.files.exclude(upload="")
    for name in stored.values_list("upload", flat=True):
        transaction.on_commit(Upload(name).remove)
    stored.update(upload="")
    _save(
        run,
        state=state,
        reason=reason,
        reason_params=dict(params or {}),
        finished_at=timezone.now(),
        plan=run.plan and ReadingPlan.from_json(run.plan).without_values().as_json(),
    )
    registry.get(run.importer).release(run)


def _save(run: ImportRun, **values: Any) -> None:
    if "state" in values and run.started_by_id and not run.is_edit:
        # Nobody needs to hear of what they did themselves, such as to cancel the run.
        values["is_unseen"] = run.is_working and values["state"] in {*AWAITING_PERSON, *_NEWS}
    for name, value in values.items():
        setattr(run, name, value)
    run.save(update_fields=[*values])


def request_cancel(run: ImportRun) -> None:
    """End a run that waits; if a worker is working on it, the worker sees the request within a second."""
    with transaction.atomic():
        current = ImportRun.objects.select_for_update().get(pk=run.pk)
        if current.state in AWAITING_PERSON or (current.is_working and current.stage == Stage.WAITING):
            _end(current, State.CANCELLED)
        elif current.is_working:
            _save(current, cancel_requested=True)


def save_answers(run: ImportRun, answers: Mapping[str, str]) -> bool:
    """Store answers to the run's questions. Return whether it waited for them and can now be checked, or checked again.

    Call this within the transaction that also queues the check.
    """
    states = AWAITING_PERSON if registry.get(run.importer).reads_again else [State.QUESTIONS]
    waiting = ImportRun.objects.filter(pk=run.pk, state__in=states)
    return bool(waiting.update(answers={**run.answers, **answers}, state=State.CHECKING, **_WAITING_FOR_WORKER))


def request_apply(run: ImportRun, *, without_invalid: bool) -> bool:
    """Mark the run for import. Return False if it is not ready to import, or has errors that nobody chose to skip.

    Call this within the transaction that also queues the import.
    """
    checked = ImportRun.objects.filter(pk=run.pk, state=State.CHECKED)
    if not without_invalid:
        checked = checked.filter(error_count=0)
    return bool(checked.update(state=State.APPLYING, without_invalid=without_invalid, **_WAITING_FOR_WORKER))


def request_undo(run: ImportRun, user: User) -> ImportRun | None:
    """Create and return the run that will undo this one, within a transaction; None if it can no longer be undone."""
    if not is_undoable(ImportRun.objects.select_for_update().get(pk=run.pk)):
        return None
    return ImportRun.objects.create(
        importer=run.importer,
        kind=Kind.UNDO,
        state=State.APPLYING,
        undoes=run,
        started_by=user,
        started_at=timezone.now(),
    )


def open_edit(importer: str, user: User) -> ImportRun:
    """Create and return the run of an edit by hand, within the transaction that also does the edit and applies it."""
    return ImportRun.objects.create(
        importer=importer, kind=Kind.EDIT, state=State.APPLYING, started_by=user, started_at=timezone.now()
    )


def mark_as_seen(**runs: object) -> int:
    """Remember that the people who started these runs have looked at them. Return how many were unseen."""
    return ImportRun.objects.filter(is_unseen=True, **runs).update(is_unseen=False)
