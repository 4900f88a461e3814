"""Restore rows that people deleted, from the history: a row alone, or all that was deleted in the same step."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from healthtrack.audit.models import Action, Change
from healthtrack.audit.subjects import get_changed_key, get_changed_model, get_subject
from healthtrack.imports.results import TableCounts
from healthtrack.imports.tables.hooks import UndoneRows
from healthtrack.imports.undo.engine import RestoredDeletions
from healthtrack.imports.undo.tracked import get_tracked_tables

STEP_DURATION = timedelta(minutes=10)  # longer than any request


def get_restorable_tables() -> list[str]:
    """Return the names of the tables whose deleted rows can be restored."""
    return [each.name for each in get_tracked_tables()]


class Deletion:
    """The deletion of a row, as the history recorded it."""

    def __init__(self, change: Change) -> None:
        self.change = change
        self.model = get_changed_model(change)
        self.pk = get_key(change)

    def is_latest(self) -> bool:
        """Return whether nothing happened to the row since, so that it is still deleted."""
        rows = Change.objects.filter(table_name=self.change.table_name, change_id__gt=self.change.change_id)
        key = {column: getattr(self.change, column) for column in ("patient_id", "model_id", "row_id")}
        return not (self.model._base_manager.filter(pk=self.pk).exists() or rows.filter(**key).exists())

    @cached_property
    def with_it(self) -> list[Change]:
        """Return the deletions of rows that belonged to this one, such as the links of a patient."""
        subject = get_subject(self.model)
        if subject is None:
            return []
        others = self._step.exclude(table_name=self.change.table_name)
        return list(others.filter(**{subject.stored_in: self.pk}))

    @cached_property
    def same_step(self) -> list[int]:
        """Return the numbers of the changes that deleted rows of this table, and what belonged to them, in one step."""
        return list(self._step.values_list("change_id", flat=True)) or [self.change.change_id]

    @cached_property
    def alike_count(self) -> int:
        """Return how many rows of this table were deleted in the same step, with this one."""
        return self._step.filter(table_name=self.change.table_name).count() or 1

    @property
    def _step(self) -> QuerySet[Change]:
        """Return the deletions by the same import, or by the same request."""
        deletions = Change.objects.filter(action=Action.DELETE, table_name__in=get_restorable_tables())
        at = self.change.changed_at
        if self.change.run_id:
            return deletions.filter(run_id=self.change.run_id)
        if not self.change.request:
            return deletions.none()  # by a statement in the database, which has no number
        return deletions.filter(
            person=self.change.person_id,
            request=self.change.request,
            changed_at__range=(at - STEP_DURATION, at + STEP_DURATION),
        )


def get_key(change: Change) -> Any:
    """Return the primary key of the changed row: a tuple if it is composite."""
    key = tuple(get_changed_key(change).values())
    return key if len(key) > 1 else key[0]


@transaction.atomic
def restore(changes: Sequence[int], after: Callable[[UndoneRows], None]) -> list[TableCounts]:
    """Insert the rows again whose deletions these changes recorded. Return for each table how many came back.

    A row stays deleted (counted as `left`) if its key or an equal row exists now, or if what it belonged to does not
    exist. `after` updates what follows from the restored rows, within the transaction.
    """
    with connection.cursor() as cursor:
        deletions = RestoredDeletions(cursor)
        deletions.find(changes)
        deletions.apply()
        after(deletions)
        return deletions.count_rows()
