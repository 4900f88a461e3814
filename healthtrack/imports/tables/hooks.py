"""The hooks by which an importer adds to what the engine does with its rows."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Protocol

from django.db.models import Model, QuerySet

from healthtrack.imports.reasons import ConflictReason
from healthtrack.imports.row_errors import RowError
from healthtrack.imports.tables.related import RelatedRows
from healthtrack.imports.tables.staging import StagedRows

Effects = Mapping[str, int]


class UndoneRows(Protocol):
    """The rows to which an undo gives their state of before. A restoration of deleted rows inserts them, too."""

    def get_deleted_keys(self, model: type[Model], among: QuerySet[Any] | None = None) -> list[Any]:
        """Return the keys of the model's rows that the undo deletes; with `among`, only those that it selects."""

    def get_inserted(self, model: type[Model], *columns: str) -> list[tuple[Any, ...]]:
        """Return the values of these columns of the model's rows that the undo inserts again, as text."""

    def get_left_keys(self, model: type[Model]) -> list[Any]:
        """Return the keys of the model's rows that the undo leaves as they are, because of conflicts."""

    def get_restored_keys(self, model: type[Model], column: str) -> list[Any]:
        """Return the keys of the model's stored rows whose column gets its old value back."""

    def get_restored_values(self, model: type[Model], column: str) -> list[tuple[Any, Any]]:
        """Return the keys of the same rows with these old values, as text."""


class ImportHooks:
    """What follows from imported rows in other tables. The engine calls each hook within the run's transaction.

    `related_rows` are inserted with the new rows. `watched_model` is the model of the imported rows, or of the rows
    that they refer to, whose new keys `after_insert` receives.
    """

    related_rows: ClassVar[RelatedRows | None] = None
    watched_model: ClassVar[type[Model] | None] = None

    def count_effects(self, rows: StagedRows) -> Effects:
        """Count what writing the rows will change in other tables. Called by the preview too."""
        return {}

    def before_write(self) -> None:
        """Take the locks that have to be taken before the first row is written."""

    def after_insert(self, keys: Sequence[int], *, dry_run: bool) -> Effects:
        """Update and count what follows from new rows of `watched_model`.

        The preview calls it with `dry_run`, to count only. It takes the rows away again afterwards.
        """
        return {}

    def find_errors(self, rows: StagedRows) -> Iterator[RowError]:
        """Yield the errors of rows that contradict other rows of the file, or stored ones. Each row has at most one.

        Called by the check, before the rows are compared, and again by the import, which ends if it finds any.
        """
        yield from ()

    def after_write(self, rows: StagedRows, rematched: Sequence[Any]) -> None:
        """Update what follows from the rows after all of them are written.

        `rematched` are the keys of changed rows in which `related_rows.column` now holds another name.
        """

    def find_undo_conflicts(self, rows: UndoneRows, *, of_import: bool) -> Mapping[ConflictReason, Collection[Any]]:
        """Return the keys of imported rows that an undo must leave, with all that belongs to them, by reason.

        `of_import` is false if the undo takes back an edit, or applies one again.
        """
        return {}

    def before_undo(self, rows: UndoneRows) -> None:
        """Move or delete what follows from the rows that an undo deletes next."""

    def after_undo(self, rows: UndoneRows) -> None:
        """Update what follows from the rows that an undo, or a restoration of deleted rows, has restored."""

    def describe(self, effects: Effects) -> str:
        """Return the effects as a sentence without its full stop."""
        return ""
