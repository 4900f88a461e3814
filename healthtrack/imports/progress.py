"""How an import tells how far it is, and is told to stop."""

from typing import Protocol

from healthtrack.imports.models import Stage

# Where the stages begin and end in the whole work: the first two in that of checking, the others in that of importing.
_SHARES = {
    Stage.READING: (0.0, 0.7),
    Stage.COMPARING: (0.7, 1.0),
    Stage.TURN: (0.0, 0.0),
    Stage.COMPARING_AGAIN: (0.0, 0.2),
    Stage.WRITING: (0.2, 1.0),
}


class CancelledError(Exception):
    """Somebody asked to cancel the import."""


class StoppedError(Exception):
    """The worker is to stop; the import is taken up again by the next one."""


class Progress(Protocol):
    def begin(self, stage: Stage, total: int = 0) -> None:
        """A total of 0 is not known."""

    def advance(self, rows: int) -> None:
        """Raises CancelledError or StoppedError when the import is to end here."""


class Unobserved:
    def begin(self, stage: Stage, total: int = 0) -> None: ...

    def advance(self, rows: int) -> None: ...


def fraction_done(stage: Stage, done: int, total: int) -> float:
    begin, end = _SHARES.get(stage, (0.0, 0.0))
    return begin + (end - begin) * min(done / total, 1) if total else begin
