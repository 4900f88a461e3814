"""The life of a run: opened, checked, applied or ended otherwise, and forgotten."""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from django.contrib.auth.models import User
from django.db import Error, connection, transaction
from django.utils import timezone

from healthtrack.audit.actor import on_behalf_of
from healthtrack.audit.models import next_change
from healthtrack.core.database_errors import is_collision
from healthtrack.imports import engine, preview_queries
from healthtrack.imports.models import LONGEST_FILE_NAME, ImportRun, Stage, State
from healthtrack.imports.progress import Progress, Unobserved
from healthtrack.imports.row_errors import Fault
from healthtrack.imports.staging_schema import StagingArea, areas
from healthtrack.imports.undo import service as undo_service
from healthtrack.imports.uploads import Upload, forget_uploads

if TYPE_CHECKING:
    from healthtrack.imports.resources import SetResource

Watching = Callable[[], AbstractContextManager[Progress]]

KEPT = timedelta(hours=24)
SOMEBODY_CHANGED = "Somebody changed these tables during the import, so nothing was imported; import it again."
NOT_A_TABLE = "The file cannot be read as a table of these rows."
NO_GOOD_ROW = "Every row of the file is faulty."
SOME_FAULTY = "The command line imports a file whole or not at all, and some rows are faulty."
BROKEN_OFF = "It was broken off before its end, and nothing was imported."
DRY_RUN = "It was a dry run, which only tells what would change."
NOBODY_WENT_AHEAD = "Nobody went ahead with it for a day, so the file and its rows were removed."

_LOCK = 0x48545255  # any number, the same for all runs


def unobserved() -> AbstractContextManager[Progress]:
    return nullcontext(Unobserved())


class FileFacts(NamedTuple):
    name: str
    size: int
    sha256: str


def open_run(kind: str, file: FileFacts, *, user: User | None = None, upload: str = "") -> ImportRun:
    return ImportRun.objects.create(
        kind=kind,
        file_name=file.name[-LONGEST_FILE_NAME:],
        file_size=file.size,
        file_sha256=file.sha256,
        started_by=user,
        upload=upload,
        started_at=timezone.now(),
    )


@contextmanager
def taken_up(run_id: int, state: State) -> Iterator[ImportRun | None]:
    """The run for its one worker, or none when it has left the state, or is another's.

    The lock is the session's: it goes with the process that dies.
    """
    with _lock(run_id):
        of_state = ImportRun.objects.filter(pk=run_id, state=state)
        is_there = of_state.update(work_began_at=timezone.now(), stage=Stage.READING, fraction_done=0)
        yield ImportRun.objects.get(pk=run_id) if is_there else None


def is_worked_on(run_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", _key(run_id))
        (is_free,) = cursor.fetchone()
        if is_free:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", _key(run_id))
    return not is_free


@contextmanager
def _lock(run_id: int) -> Iterator[None]:
    with connection.cursor() as cursor:
        # So that a session whose process was killed amid a long statement soon ends, and its lock with it.
        cursor.execute("SET client_connection_check_interval = '1s'")
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", _key(run_id))
    try:
        yield
    finally:
        with suppress(Error), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", _key(run_id))


def _key(run_id: int) -> list[int]:
    return [_LOCK, run_id % 2**31]


def check(run: ImportRun, resource: "SetResource", path: Path, watching: Watching) -> None:
    """Leaves the run checked, or refused when the file holds no row that could be imported."""
    began = time.monotonic()
    with transaction.atomic():
        with watching() as progress:
            engine.check(resource, path, run, progress)
        run.check_seconds = time.monotonic() - began
        run.save(update_fields=[*ImportRun.FOUND, "check_seconds"])
        if not run.rows_read:
            _end(run, State.REFUSED, NOT_A_TABLE)
        elif not run.rows_good:
            _end(run, State.REFUSED, NO_GOOD_ROW)
        else:
            run.state = State.CHECKED
            run.save(update_fields=["state"])


def apply(run: ImportRun, resource: "SetResource", watching: Watching) -> None:
    """All or nothing: the rows and the run's being applied are one transaction."""
    began = time.monotonic()
    with transaction.atomic():
        with watching() as progress, on_behalf_of(run.started_by_id, run.run_id):
            run.first_change = next_change()
            if run.undoes_id:
                undo_service.apply(resource, run, progress)
            else:
                engine.apply(resource, run, progress)
        run.apply_seconds = time.monotonic() - began
        run.save(update_fields=[*ImportRun.FOUND, "apply_seconds", "first_change"])
        _end(run, State.APPLIED)


def end(run: ImportRun, state: State, reason: str = "") -> None:
    with transaction.atomic():
        _end(run, state, reason)


def _end(run: ImportRun, state: State, reason: str = "") -> None:
    """The file goes at once, and the rows with it; faulty rows stay a while where somebody may want them back."""
    transaction.on_commit(Upload(run.upload).remove)
    run.state, run.reason, run.finished_at, run.upload = state, reason, timezone.now(), ""
    run.save(update_fields=["state", "reason", "finished_at", "upload"])
    area = StagingArea(run.run_id)
    if run.faults and state in {State.APPLIED, State.REFUSED}:
        area.drop_rows()
    else:
        area.drop()


def ask_to_cancel(run: ImportRun) -> None:
    """Ends a run that waits; who works on one sees the wish within a second."""
    with transaction.atomic():
        current = ImportRun.objects.select_for_update().get(pk=run.pk)
        if current.state == State.CHECKED or (current.is_working and current.stage == Stage.WAITING):
            _end(current, State.CANCELLED)
        elif current.is_working:
            current.cancel_asked = True
            current.save(update_fields=["cancel_asked"])


def ask_to_apply(run: ImportRun, *, without_faulty: bool) -> bool:
    """Whether the run was there to be applied: checked, and without faults or with the choice to leave these out."""
    checked = ImportRun.objects.filter(pk=run.pk, state=State.CHECKED)
    if not without_faulty:
        checked = checked.filter(faults=0)
    return bool(
        checked.update(
            state=State.APPLYING,
            stage=Stage.WAITING,
            fraction_done=0,
            work_began_at=None,
            without_faulty=without_faulty,
        )
    )


def import_at_once(
    resource: "SetResource",
    path: Path,
    *,
    dry_run: bool,
    watching: Watching = unobserved,
    tell: Callable[[Fault], None] = lambda _: None,
) -> ImportRun:
    """Checks and applies a file without a worker, whole or not at all; tells each fault."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    facts = FileFacts(path.name, path.stat().st_size, sha256)
    run = open_run(resource._meta.model._meta.label_lower, facts)
    with _lock(run.run_id):
        try:
            check(run, resource, path, watching)
            for fault in preview_queries.faults(run):
                tell(fault)
            _go_on(run, resource, watching, dry_run=dry_run)
        except BaseException as fault:
            collided = isinstance(fault, Error) and is_collision(fault)
            end(run, State.FAILED, SOMEBODY_CHANGED if collided else BROKEN_OFF)
            if not collided:
                raise
            tell(Fault(SOMEBODY_CHANGED))
    return run


def _go_on(run: ImportRun, resource: "SetResource", watching: Watching, *, dry_run: bool) -> None:
    if run.is_ended:
        return
    if run.faults:
        end(run, State.REFUSED, SOME_FAULTY)
    elif dry_run:
        end(run, State.CANCELLED, DRY_RUN)
    else:
        apply(run, resource, watching)


def forget_old() -> None:
    """Removes what nobody needs any more: patients' data lie about no longer than a day."""
    now = timezone.now()
    for run in ImportRun.objects.filter(state=State.CHECKED, started_at__lt=now - KEPT):
        end(run, State.EXPIRED, NOBODY_WENT_AHEAD)
    needed = set(ImportRun.objects.exclude(finished_at__lt=now - KEPT).values_list("run_id", flat=True))
    for area in areas():
        if area.run_id not in needed:
            area.drop()
    forget_uploads(kept=ImportRun.objects.exclude(upload="").values_list("upload", flat=True))
