"""Check and import files without a worker, as the commands do."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from django.db import transaction

from healthtrack.imports.importer import StoredFile
from healthtrack.imports.life_cycle.locks import run_lock
from healthtrack.imports.life_cycle.outcomes import get_outcome
from healthtrack.imports.life_cycle.runs import NO_INSTRUCTIONS, FileFacts, Instructions, end, open_run
from healthtrack.imports.life_cycle.steps import ProgressFactory, apply, check, no_progress
from healthtrack.imports.models import ImportRun, State
from healthtrack.imports.reasons import Reason


def import_at_once(
    importer: str,
    paths: Sequence[Path],
    *,
    dry_run: bool = False,
    instructions: Instructions = NO_INSTRUCTIONS,
    track: ProgressFactory = no_progress,
) -> ImportRun:
    """Check and import files without a worker, as a whole or not at all, and return the ended run.

    Rows with warnings whose kind is neither accepted nor imported by default are held back.
    Raises OSError if a file cannot be read. Other exceptions end the run and are raised again, except a collision
    with somebody else's change, which is stored as the run's reason.
    """
    facts = [_read_file_facts(path) for path in paths]
    files = [StoredFile(path.name, fact.size, path) for path, fact in zip(paths, facts, strict=True)]
    with transaction.atomic():
        run = open_run(importer, facts, instructions=instructions)
    with run_lock(run.run_id):
        try:
            check(run, files, track, at_once=not dry_run)
            _finish(run, files, track, dry_run=dry_run)
        except BaseException as error:
            outcome = get_outcome(error)
            end(run, outcome.state, outcome.reason, outcome.params)
            if outcome.reason != Reason.COLLISION:
                raise
    return run


def _read_file_facts(path: Path) -> FileFacts:
    with path.open("rb") as file:
        return FileFacts(path.name, path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def _finish(run: ImportRun, files: Sequence[StoredFile], track: ProgressFactory, *, dry_run: bool) -> None:
    if run.is_ended:
        return
    if run.needs_answers:
        end(run, State.REFUSED, Reason.NEEDS_ANSWERS)
    elif run.error_count and not run.without_invalid:
        end(run, State.REFUSED, Reason.SOME_INVALID)
    elif dry_run:
        end(run, State.CANCELLED, Reason.DRY_RUN)
    else:
        apply(run, files, track)
