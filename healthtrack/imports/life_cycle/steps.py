"""The steps of a run, and edits by hand: what they find or do is stored by `runs`, in the same transaction."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

from django.contrib.auth.models import User
from django.db import transaction

from healthtrack.audit.actor import acting_as
from healthtrack.audit.models import reserve_change_id
from healthtrack.imports import registry
from healthtrack.imports.edits import Edit
from healthtrack.imports.importer import StoredFile
from healthtrack.imports.life_cycle import runs
from healthtrack.imports.life_cycle.actions import get_action, get_run_input
from healthtrack.imports.life_cycle.plans import plan_and_check
from healthtrack.imports.models import ImportRun, State
from healthtrack.imports.progress import NoProgress, Progress
from healthtrack.imports.results import ApplyResult, StalePreview
from healthtrack.imports.row_warnings import Choice
from healthtrack.imports.uploads.local_copies import local_copies
from healthtrack.imports.uploads.stored import Upload

ProgressFactory = Callable[[], AbstractContextManager[Progress]]


def no_progress() -> AbstractContextManager[Progress]:
    """Return a progress that nobody watches, for work outside a worker."""
    return nullcontext(NoProgress())


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
        runs.save_check(run, result, time.monotonic() - began)


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
            runs.save_preview(run, result)
        else:
            runs.save_applied(run, result, first_change, time.monotonic() - began)
            runs.save_position(run)
    if run.is_applied:
        runs.save_position(run)  # once more, because the commit has a later one


def decide(run: ImportRun, choice: Choice) -> bool:
    """Store what a person decided about a kind of warning. Return False if the run is not ready to import."""
    with transaction.atomic():
        current = ImportRun.objects.select_for_update().filter(pk=run.pk, state=State.CHECKED).first()
        if current is None:
            return False
        current.decisions = {**current.decisions, choice.kind: choice.decision}
        result = registry.get(run.importer).decide(get_run_input(current, []), choice)
        runs.save_preview(current, result)
    return True


def record_edit(importer: str, edit: Edit, user: User, work: Callable[[], int]) -> ImportRun:
    """Do the work of an edit, which returns how many rows it changed, and return the run that records it.

    All of it happens in one transaction, or nothing.
    """
    began = time.monotonic()
    with transaction.atomic():
        run = runs.open_edit(importer, user)
        with acting_as(user.pk, run.run_id):
            first_change = reserve_change_id()
            result = ApplyResult(work(), {"edit": edit.as_json()})
        runs.save_applied(run, result, first_change, time.monotonic() - began)
    return run
