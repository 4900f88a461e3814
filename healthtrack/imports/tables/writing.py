"""Write the staged rows of a run into the tables, in the order that the tables' constraints and triggers need."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from healthtrack.imports.progress import Progress
from healthtrack.imports.results import TableCounts
from healthtrack.imports.tables.hooks import Effects, ImportHooks
from healthtrack.imports.tables.staging import StagedRows, acquire_import_lock


def preview(hooks: ImportHooks, rows: StagedRows) -> Effects:
    """Count what writing the compared rows will change in other tables."""
    effects = hooks.count_effects(rows)
    if hooks.watched_model is None:
        return effects
    with _roll_back_afterwards():
        acquire_import_lock(rows.cursor)
        keys = rows.insert_parents()
        if hooks.watched_model is rows.plan.model:
            rows.insert_new()
            keys = rows.inserted_keys()
        return {**effects, **hooks.after_insert(keys, dry_run=True)}


def write(hooks: ImportHooks, rows: StagedRows, counts: TableCounts, progress: Progress) -> Effects:
    """Write the compared rows; `counts` says how many of them are new and changed.

    Return what their new rows changed in other tables.
    """
    effects: Effects = {}
    related = hooks.related_rows
    rematched = rows.rematched_keys(related) if related and counts.changed else []
    hooks.before_write()
    parents = rows.insert_parents()
    if rows.plan.parent and hooks.watched_model is rows.plan.parent.model:
        effects = hooks.after_insert(parents, dry_run=False)
    # First, because a changed row may end where a new one begins.
    if counts.changed:
        for step in rows.steps("changed"):
            progress.advance(rows.update_changed(step))
    if counts.new:
        _insert(hooks, rows, progress)
    if hooks.watched_model is rows.plan.model:
        effects = hooks.after_insert(rows.inserted_keys(), dry_run=False)
    hooks.after_write(rows, rematched)
    # Here, where an error can still be reported, and not at the commit.
    rows.check_foreign_keys()
    return effects


def _insert(hooks: ImportHooks, rows: StagedRows, progress: Progress) -> None:
    related = hooks.related_rows
    for number, step in enumerate(rows.steps("new")):
        if related:
            # Before the rows that own them, whose counts are then right from the start, and need no update by a
            # trigger. The foreign key is checked after the step.
            rows.insert_related(related, step)
        inserted = rows.insert_new(step, related)
        if number == 0:
            rows.analyze_target()
        rows.check_foreign_keys()
        progress.advance(inserted)


@contextmanager
def _roll_back_afterwards() -> Iterator[None]:
    before = transaction.savepoint()
    yield
    transaction.savepoint_rollback(before)
