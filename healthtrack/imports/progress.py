"""How an import reports its progress, and learns that it must stop."""

from typing import Protocol

from healthtrack.imports.models import Stage

# Where each stage begins and ends on the progress bar: the first two while checking, the others while importing.
_STAGE_RANGES = {
    Stage.READING: (0.0, 0.7),
    Stage.COMPARING: (0.7, 1.0),
    Stage.TURN: (0.0, 0.0),
    Stage.COMPARING_AGAIN: (0.0, 0.2),
    Stage.WRITING: (0.2, 1.0),
}


class CancelledError(Exception):
    """Somebody requested to cancel the import."""


class StoppedError(Exception):
    """The worker must stop; the next worker starts the import again."""


class Progress(Protocol):
    """What an import reports its progress to."""

    def begin(self, stage: Stage, total: int = 0, *, in_bytes: bool = False) -> None:
        """Start a stage with this many rows to do; 0 if unknown. Counts of bytes only move the bar."""

    def advance(self, rows: int) -> None:
        """Count rows as done. Raises CancelledError or StoppedError if the import must end here."""


class NoProgress:
    """A progress that stores and shows nothing."""

    def begin(self, stage: Stage, total: int = 0, *, in_bytes: bool = False) -> None: ...

    def advance(self, rows: int) -> None: ...


def compute_fraction_done(stage: Stage, done: int, total: int) -> float:
    """Return how much of the checking or importing is done, from 0 to 1, for the progress bar."""
    begin, end = _STAGE_RANGES.get(stage, (0.0, 0.0))
    return begin + (end - begin) * min(done / total, 1) if total else begin
