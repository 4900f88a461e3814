"""The undo of an import into tables, for pages and workers: preview it, apply it, list its conflicts."""

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
from healthtrack.imports.results import ApplyResult, TableCounts, TabularResult
from healthtrack.imports.tables.resources import BulkModelResource
from healthtrack.imports.tables.sql import plan_for_large_sets
from healthtrack.imports.tables.staging import acquire_import_lock
from healthtrack.imports.undo.engine import Undo

MAX_SAMPLES = 20
CONFLICTS_PER_PAGE = CHANGES_PER_PAGE = 50
_ACTIONS = {"delete": Action.DELETE, "restore": Action.UPDATE, "insert": Action.INSERT}


@dataclass(frozen=True)
class Conflict:
    """A row that the undo leaves as it is: its name, its page, and the reason."""

    entry: Entry
    page: str
    reason: str


@dataclass(frozen=True)
class Preview:
    """What an undo would do: counts of each table, some of the rows, and the first conflicts."""

    tables: Sequence[TableCounts]
    samples: Sequence[Entry]
    conflicts: Sequence[Conflict]
    conflict_count: int


def preview(resource: BulkModelResource, run: ImportRun) -> Preview:
    """Return what an undo would do now, without doing it."""
    with transaction.atomic(), connection.cursor() as cursor:
        plan_for_large_sets(cursor)
        undo = Undo(run, resource, cursor)
        undo.find(locks=False)
        tables, changes = undo.count_rows(), [_make_change(row) for row in undo.get_samples(MAX_SAMPLES)]
        record_access_to_changes(changes)
        samples = entries(changes)
        left = undo.query_conflicts("SELECT * FROM conflicts ORDER BY 1, 2, 3, 4 LIMIT %s", MAX_SAMPLES)
        ((count,),) = undo.query_conflicts("SELECT count(*) FROM conflicts")
        transaction.set_rollback(True)
    return Preview(tables, samples, _make_conflicts((*row, {}) for row in left), count)


def get_conflicts(run: ImportRun, page_number: str = "") -> Page[Any]:
    """Return a page of the conflicts that the undo `run` left; the nearest page if there is no such number."""
    left = run.conflicts.values_list("table_name", "patient_id", "model_id", "row_id", "reason", "reason_params")
    page = Paginator(left, CONFLICTS_PER_PAGE).get_page(page_number)
    page.object_list = _make_conflicts(page.object_list)  # type: ignore[assignment]  # the page now holds conflicts
    return page


def get_changes(run: ImportRun, page_number: str = "") -> Page[Any]:
    """Return a page of what the undo `run` did, as entries of the history; the nearest page if there is no such number.

    Records the access to the patients that the page shows.
    """
    changes = Change.objects.filter(run_id=run.run_id).order_by("changed_at", "change_id")
    page = Paginator(changes, CHANGES_PER_PAGE).get_page(page_number)
    shown = list(page.object_list)
    record_access_to_changes(shown)
    page.object_list = entries(shown)  # type: ignore[assignment]  # the page now holds entries
    return page


def _make_change(row: Sequence[Any]) -> Change:
    """Return an unsaved change, so that the row is shown as in the history."""
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


def _make_conflicts(left: Iterable[Sequence[Any]]) -> list[Conflict]:
    rows = list(left)
    changes = [_make_change((table, "restore", *key, None)) for table, *key, _, _ in rows]
    record_access_to_changes(changes)
    return [
        Conflict(entry, row_page(change, "change"), conflict_text(reason, params))
        for change, entry, (*_, reason, params) in zip(changes, entries(changes), rows, strict=True)
    ]


def apply(resource: BulkModelResource, run: ImportRun, undo_run: ImportRun, progress: Progress) -> ApplyResult:
    """Undo `run`. Call it within a transaction that ends at once, because it holds the lock of all imports."""
    with connection.cursor() as cursor:
        plan_for_large_sets(cursor)
        progress.begin(Stage.TURN)
        acquire_import_lock(cursor)
        undo = Undo(run, resource, cursor)
        progress.begin(Stage.COMPARING_AGAIN)
        undo.find(locks=True)
        progress.begin(Stage.WRITING)
        undo.apply()
        result = TabularResult(undo.count_rows())
        undo.query_conflicts(
            """
            INSERT INTO undo_conflicts (run_id, table_name, patient_id, model_id, row_id, reason)
            SELECT %s, * FROM conflicts ORDER BY table_name, patient_id, model_id, row_id
            """,
            undo_run.run_id,
        )
    return ApplyResult(result.affected, {"tables": result.details()["tables"]})
