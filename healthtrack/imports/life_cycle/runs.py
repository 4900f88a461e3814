"""The life cycle of a run: open, plan, check, apply or end it otherwise. Only this module writes states and results."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from healthtrack.audit.actor import acting_as
from healthtrack.audit.models import reserve_change_id
from healthtrack.imports import registry
from healthtrack.imports.edits import Edit
from healthtrack.imports.importer import StoredFile
from healthtrack.imports.life_cycle import own_writes
from healthtrack.imports.life_cycle.actions import get_action, get_run_input
from healthtrack.imports.life_cycle.plans import plan_and_check
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
from healthtrack.imports.progress import NoProgress, Progress
from healthtrack.imports.reading_plans import ReadingPlan
from healthtrack.imports.reasons import Reason
from healthtrack.imports.results import ApplyResult, CheckResult, StalePreview
from healthtrack.imports.row_warnings import Choice
from healthtrack.imports.uploads.local_copies import local_copies
from healthtrack.imports.uploads.stored import Upload

ProgressFactory = Callable[[], AbstractContextManager[Progress]]

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


_NEWS = (State.APPLIED, State.REFUSED, State.FAILED)


def no_progress() -> AbstractContextManager[Progress]:
    """Return a progress that nobody watches, for work outside a worker."""
    return nullcontext(NoProgress())


class FileFacts(NamedTuple):
    """What a run stores about a file; `upload` is the random name of the stored upload, if it is stored."""

    name: str
    size: int
    sha256: str
    upload: str = ""


def open_run(
    importer: str,
    files: Sequence[FileFacts],
    *,
    user: User | None = None,
    answers: Mapping[str, str] = MappingProxyType({}),
    decisions: Mapping[str, str] = MappingProxyType({}),
) -> ImportRun:
    """Create and return a run of these files, in the state CHECKING. Call this within a transaction.

    `answers` says how to read them, and `decisions` what to do with kinds of warnings, as far as that is known already.
    """
    run = ImportRun.objects.create(
        importer=importer,
        started_by=user,
        started_at=timezone.now(),
        answers=dict(answers),
        decisions=dict(decisions),
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
def open_uploads(run: ImportRun) -> Iterator[list[StoredFile]]:
    """Yield the stored uploads of the run, in their order. Copies that were needed to read them end with the block."""
    with local_copies() as copies:
        yield [
            StoredFile(file.name, file.size, partial(copies.find, Upload(file.upload), file.size))
            for file in run.all_files
        ]


def check(run: ImportRun, files: Sequence[StoredFile], track: ProgressFactory, *, at_once: bool = False) -> None:
    """Plan how to read the files; then check them, unless the plan has questions for a person.

    `at_once` says that the import follows a check without errors at once, and nobody sees a preview.
    """
    began = time.monotonic()
    with transaction.atomic():
        with track() as progress:
            result = plan_and_check(run, files, progress, at_once=at_once)
        run.check_seconds = (run.check_seconds or 0) + time.monotonic() - began
        if result is None:
            _save(run, state=State.QUESTIONS, plan=run.plan, check_seconds=run.check_seconds)
        else:
            _save_check(run, result)


def _save_check(run: ImportRun, result: CheckResult) -> None:
    _save(
        run,
        plan=run.plan,
        read_count=result.read,
        invalid_count=result.invalid,
        error_count=result.errors,
        affected_count=result.affected,
        result=dict(result.details),
        check_seconds=run.check_seconds,
    )
    if result.refused:
        _end(run, State.REFUSED, result.refused)
    else:
        _save(run, state=State.CHECKED)


def apply(run: ImportRun, files: Sequence[StoredFile], track: ProgressFactory) -> None:
    """Import the files, or undo the other run, and mark the run as applied: all of it in one transaction or nothing.

    If the data has changed since a person confirmed the preview, the run shows a new preview and waits again.
    """
    began = time.monotonic()
    with transaction.atomic():
        with track() as progress, acting_as(run.started_by_id, run.run_id):
            first_change = reserve_change_id()
            result = get_action(run).apply(files, progress)
        if isinstance(result, StalePreview):
            _save_preview(run, result)
        else:
            _save_applied(run, result, first_change, time.monotonic() - began)
            own_writes.store_position(run)
    if run.is_applied:
        own_writes.store_position(run)  # once more, because the commit has a later one


def _save_preview(run: ImportRun, preview: StalePreview) -> None:
    _save(
        run,
        state=State.CHECKED,
        decisions=run.decisions,
        affected_count=preview.affected,
        result={**run.result, **preview.details},
    )


def _save_applied(run: ImportRun, result: ApplyResult, first_change: int, seconds: float) -> None:
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


def decide(run: ImportRun, choice: Choice) -> bool:
    """Store what a person decided about a kind of warning. Return False if the run is not ready to import."""
    with transaction.atomic():
        current = ImportRun.objects.select_for_update().filter(pk=run.pk, state=State.CHECKED).first()
        if current is None:
            return False
        current.decisions = {**current.decisions, choice.kind: choice.decision}
        result = registry.get(run.importer).decide(get_run_input(current, []), choice)
        _save_preview(current, result)
    return True


def request_apply(run: ImportRun, *, without_invalid: bool) -> bool:
    """Mark the run for import. Return False if it is not ready to import, or has errors that nobody chose to skip.

    Call this within the transaction that also queues the import.
    """
    checked = ImportRun.objects.filter(pk=run.pk, state=State.CHECKED)
    if not without_invalid:
        checked = checked.filter(error_count=0)
    return bool(checked.update(state=State.APPLYING, without_invalid=without_invalid, **_WAITING_FOR_WORKER))


_WAITING_FOR_WORKER: dict[str, Any] = {"stage": Stage.WAITING, "fraction_done": 0, "work_began_at": None}


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


def record_edit(importer: str, edit: Edit, user: User, work: Callable[[], int]) -> ImportRun:
    """Do the work of an edit, which returns how many rows it changed, and return the run that records it.

    All of it happens in one transaction, or nothing.
    """
    began = time.monotonic()
    with transaction.atomic():
        run = ImportRun.objects.create(
            importer=importer, kind=Kind.EDIT, state=State.APPLYING, started_by=user, started_at=timezone.now()
        )
        with acting_as(user.pk, run.run_id):
            first_change = reserve_change_id()
            result = ApplyResult(work(), {"edit": edit.as_json()})
        _save_applied(run, result, first_change, time.monotonic() - began)
    return run
