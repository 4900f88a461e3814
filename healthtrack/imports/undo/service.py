"""An undo of tables as people meet it: previewed, done, and what it left listed."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db import connection, transaction
from django.utils import timezone

from healthtrack.audit.models import Action, Change
from healthtrack.audit.presentation import Entry, entries, row_page
from healthtrack.audit.subjects import record_access_to_changes
from healthtrack.imports.models import ImportRun, Stage
from healthtrack.imports.progress import Progress
from healthtrack.imports.reasons import conflict_text
from healthtrack.imports.resources import SetResource
from healthtrack.imports.results import ApplyResult, TableCounts, TabularResult
from healthtrack.imports.sql import plan_for_large_sets
from healthtrack.imports.staging import StagedRows
from healthtrack.imports.undo.engine import Undo

SHOWN = 20
CONFLICTS_A_PAGE = 50
_ACTIONS = {"delete": Action.DELETE, "restore": Action.UPDATE, "insert": Action.INSERT}


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


def preview(run: ImportRun) -> Preview:
    """What an undo would do by now; it does nothing."""
    with transaction.atomic(), connection.cursor() as cursor:
        plan_for_large_sets(cursor)
        undo = Undo(run, cursor)
        undo.find(locks=False)
        tables, changes = undo.counts(), [_as_change(row) for row in undo.samples(SHOWN)]
        record_access_to_changes(changes)
        samples = entries(changes)
        left = undo.conflicts("SELECT * FROM conflicts ORDER BY 1, 2, 3, 4 LIMIT %s", SHOWN)
        ((count,),) = undo.conflicts("SELECT count(*) FROM conflicts")
        transaction.set_rollback(True)
    return Preview(tables, samples, _conflicts((*row, {}) for row in left), count)


def conflicts_of(run: ImportRun, asked: str = "") -> Page[Any]:
    """A page of what an undo left."""
    left = run.conflicts.values_list("table_name", "patient_id", "model_id", "row_id", "reason", "reason_params")
    page = Paginator(left, CONFLICTS_A_PAGE).get_page(asked)
    page.object_list = _conflicts(page.object_list)  # type: ignore[assignment]
    return page


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
    changes = [_as_change((table, "restore", *key, None)) for table, *key, _, _ in rows]
    record_access_to_changes(changes)
    return [
        Conflict(entry, row_page(change, "change"), conflict_text(reason, params))
        for change, entry, (*_, reason, params) in zip(changes, entries(changes), rows, strict=True)
    ]


def apply(resource: SetResource, run: ImportRun, undo_run: ImportRun, progress: Progress) -> ApplyResult:
    """Undo `run`; to be called within a transaction, which must end at once: it holds the turn of all imports."""
    with connection.cursor() as cursor:
        plan_for_large_sets(cursor)
        progress.begin(Stage.TURN)
        StagedRows(resource.plan, cursor).take_turn()
        undo = Undo(run, cursor)
        progress.begin(Stage.COMPARING_AGAIN)
        undo.find(locks=True)
        progress.begin(Stage.WRITING)
        undo.apply()
        result = TabularResult(undo.counts())
        undo.conflicts(
            """
            INSERT INTO undo_conflicts (run_id, table_name, patient_id, model_id, row_id, reason)
            SELECT %s, * FROM conflicts ORDER BY table_name, patient_id, model_id, row_id
            """,
            undo_run.run_id,
        )
        resource.after_undo(undo)
    return ApplyResult(result.affected, {"tables": result.details()["tables"]})
