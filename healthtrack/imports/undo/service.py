"""An undo as people meet it: looked at before, asked for, and done as a run of its own."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import User
from django.core.paginator import Page, Paginator
from django.db import connection, transaction
from django.utils import timezone

from healthtrack.audit.models import Action, Change
from healthtrack.audit.presentation import Entry, entries, row_page
from healthtrack.audit.subjects import record_seen
from healthtrack.imports.engine import plan_for_large_sets
from healthtrack.imports.models import ImportRun, Stage, State
from healthtrack.imports.progress import Progress
from healthtrack.imports.results import TableCounts
from healthtrack.imports.staging import StagedRows
from healthtrack.imports.undo.engine import Undo, taken_back

if TYPE_CHECKING:
    from healthtrack.imports.resources import SetResource

SHOWN = 20
CONFLICTS_A_PAGE = 50
UNDONE_MEANWHILE = "Somebody else undid this import meanwhile."
_ACTIONS = {"delete": Action.DELETE, "restore": Action.UPDATE, "insert": Action.INSERT}


class UndoneMeanwhileError(Exception):
    def __init__(self) -> None:
        super().__init__(UNDONE_MEANWHILE)


@dataclass(frozen=True)
class Conflict:
    """A row that is left as it is, its page, and why."""

    entry: Entry
    page: str
    reason: str


@dataclass(frozen=True)
class Preview:
    tables: Sequence[TableCounts]
    samples: Sequence[Entry]
    conflicts: Sequence[Conflict]
    conflict_count: int


def is_undoable(run: ImportRun) -> bool:
    return (
        run.state == State.APPLIED
        and run.first_change is not None
        and not run.undos.filter(state=State.APPLYING).exists()
        and run.run_id not in taken_back()
    )


def preview(run: ImportRun) -> Preview:
    """What an undo would do by now; it does nothing."""
    with transaction.atomic(), connection.cursor() as cursor:
        plan_for_large_sets(cursor)
        undo = Undo(run, cursor)
        undo.find(locks=False)
        tables, changes = undo.counts(), [_as_change(row) for row in undo.samples(SHOWN)]
        record_seen(changes)
        samples = entries(changes)
        left = undo.conflicts("SELECT * FROM conflicts ORDER BY 1, 2, 3, 4 LIMIT %s", SHOWN)
        ((count,),) = undo.conflicts("SELECT count(*) FROM conflicts")
        transaction.set_rollback(True)
    return Preview(tables, samples, _conflicts(left), count)


def conflicts_of(run: ImportRun, asked: str = "") -> Page[Any]:
    """A page of what an undo left."""
    left = run.conflicts.values_list("table_name", "patient_id", "model_id", "row_id", "reason")
    page = Paginator(left, CONFLICTS_A_PAGE).get_page(asked)
    page.object_list = _conflicts(page.object_list)  # type: ignore[assignment]
    return page


def ask_to_undo(run: ImportRun, user: User) -> ImportRun | None:
    """The run that is to undo it, or none when it cannot be undone any more; to be used within a transaction."""
    if not is_undoable(ImportRun.objects.select_for_update().get(pk=run.pk)):
        return None
    return ImportRun.objects.create(
        kind=run.kind,
        state=State.APPLYING,
        stage=Stage.WAITING,
        undoes=run,
        file_name=f"Undo of import {run.run_id}",
        file_size=0,
        file_sha256="",
        started_by=user,
        started_at=timezone.now(),
    )


def _as_change(row: Sequence[Any]) -> Change:
    """One that is not there yet, to be told in the history's words."""
    table, what, patient_id, model_id, row_id, fields = row
    return Change(
        table_name=table,
        action=_ACTIONS[what],
        patient_id=patient_id,
        model_id=model_id,
        row_id=row_id,
        fields=json.loads(fields or "{}"),
        changed_at=timezone.now(),
    )


def _conflicts(left: Iterable[Sequence[Any]]) -> list[Conflict]:
    rows = list(left)
    changes = [_as_change((table, "restore", *key, None)) for table, *key, _ in rows]
    record_seen(changes)
    return [
        Conflict(entry, row_page(change, "change"), reason)
        for change, entry, (*_, reason) in zip(changes, entries(changes), rows, strict=True)
    ]


def apply(resource: "SetResource", run: ImportRun, progress: Progress) -> None:
    """To be used within a transaction, which must end at once: it holds the turn of all imports."""
    with connection.cursor() as cursor:
        plan_for_large_sets(cursor)
        progress.begin(Stage.TURN)
        StagedRows(resource.plan, cursor).take_turn()
        undone = ImportRun.objects.get(undos=run)
        if undone.run_id in taken_back():
            raise UndoneMeanwhileError
        undo = Undo(undone, cursor)
        progress.begin(Stage.COMPARING_AGAIN)
        undo.find(locks=True)
        progress.begin(Stage.WRITING)
        undo.apply()
        run.tables = undo.counts()
        undo.conflicts(
            """
            INSERT INTO undo_conflicts (run_id, table_name, patient_id, model_id, row_id, reason)
            SELECT %s, * FROM conflicts ORDER BY table_name, patient_id, model_id, row_id
            """,
            run.run_id,
        )
        resource.after_undo(undo)
