"""What follows a patient: rows of other tables that merging, deleting and restoring records take along.

Each app registers its part in AppConfig.ready. The parts are called in the order of their registration.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence


class Part(ABC):
    """The rows of one kind that belong to patients. Each method is called within a transaction."""

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

    @abstractmethod
    def erase(self, numbers: Sequence[str]) -> None:
        """Delete for good what is stored about these patients outside of the history."""


_parts: list[Part] = []


def register(part: Part) -> None:
    """Register a part; call it in AppConfig.ready."""
    _parts.append(part)


def unregister(part: Part) -> None:
    """Remove a part that a test has registered."""
    _parts.remove(part)


def merge(source: str, target: str) -> int:
    """Let each part give what belongs to one patient to another; return how many rows that changed."""
    return sum(part.merge(source, target) for part in _parts)


def delete(numbers: Sequence[str]) -> None:
    """Let each part delete what belongs to these patients; call it before their records are deleted."""
    for part in _parts:
        part.delete(numbers)


def restore(numbers: Sequence[str]) -> None:
    """Let each part update what belongs to these patients; call it after their records are restored."""
    for part in _parts:
        part.restore(numbers)
