"""What follows a patient: rows of other tables that merging, deleting and restoring records take along.

Each app registers its part in AppConfig.ready. The parts are called in the order of their registration.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet


class Part(ABC):
    """The rows of one kind that belong to patients. Each method is called within a transaction.

    An undo deletes and restores the rows of tables with a history and a column `made_by_run` by itself. If all rows of
    a part are such rows, `is_tracked` says so, and an undo does not call its `merge`, `delete` and `find_conflicts`.
    """

    is_tracked: ClassVar[bool] = False
    label: ClassVar[str] = ""  # what the page that deletes a record calls rows that Django does not find by itself

    def get_owners(self) -> QuerySet[Any] | None:
        """Return the query for the numbers of all patients who have rows of this part, or None if there is no query.

        The undo of an import calls the part only for these, not for each of its many patients.
        """
        return None

    @abstractmethod
    def merge(self, source: str, target: str) -> int:
        """Give what belongs to the patient `source` to the patient `target`, and return how many rows that changed.

        Afterwards nothing refers to the record of `source`, which is deleted next.
        """

    @abstractmethod
    def delete(self, numbers: Sequence[str]) -> None:
        """Delete what belongs to these patients, so that a restoration can bring it back."""

    @abstractmethod
    def restore(self, numbers: Sequence[str]) -> None:
        """Update what belongs to these patients, whose records and deleted rows have been inserted again."""

    def find_conflicts(self, numbers: Sequence[str]) -> Collection[str]:
        """Return those of these patients whose records the undo of an import must leave, as a conflict."""
        return ()

    @abstractmethod
    def erase(self, numbers: Sequence[str]) -> None:
        """Delete for good what is stored about these patients outside of the history."""


# Returns those of the patients whom an undo deletes whose numbers the query selects; all of them without a query.
FindPatients = Callable[[QuerySet[Any] | None], Sequence[str]]

_parts: list[Part] = []


def register(part: Part) -> None:
    """Register a part; call it in AppConfig.ready."""
    _parts.append(part)


def unregister(part: Part) -> None:
    """Remove a part that a test has registered."""
    _parts.remove(part)


def merge(source: str, target: str, *, by_undo: bool = False) -> int:
    """Let each part give what belongs to one patient to another; return how many rows that changed."""
    return sum(part.merge(source, target) for part in _parts if not (by_undo and part.is_tracked))


def list_labels() -> list[str]:
    """Return what else belongs to patients, besides the rows of models that refer to their records."""
    return [part.label for part in _parts if part.label]


def delete(numbers: Sequence[str]) -> None:
    """Let each part delete what belongs to these patients; call it before their records are deleted."""
    for part in _parts:
        part.delete(numbers)


def delete_by_undo(find: FindPatients) -> None:
    """Let each part delete what belongs to the patients whom an undo deletes next, and whom `find` finds."""
    for part in _parts:
        if not part.is_tracked and (numbers := find(part.get_owners())):
            part.delete(numbers)


def restore(numbers: Sequence[str]) -> None:
    """Let each part update what belongs to these patients; call it after their records are restored."""
    for part in _parts:
        part.restore(numbers)


def find_conflicts(find: FindPatients) -> set[str]:
    """Return the patients found by `find` whose records the undo of an import must leave because of some part."""
    untracked = (part for part in _parts if not part.is_tracked)
    return {number for part in untracked for number in part.find_conflicts(find(part.get_owners()))}
