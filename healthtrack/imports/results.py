"""What an import finds and does, in plain numbers and rows."""

from collections.abc import Sequence
from dataclasses import dataclass

OUTCOMES = ("new", "changed", "unchanged")


@dataclass(frozen=True)
class LinkCounts:
    """Rows of other tables that name an imported one, or that imported rows name: how many find what they name.

    `ambiguous` are those of the `linked` whose name means several things; `unmatched` find nothing.
    """

    linked: int = 0
    unmatched: int = 0
    ambiguous: int = 0


@dataclass(frozen=True)
class Cell:
    """A value of a staged row beside the stored one."""

    value: object
    old: object
    changed: bool


@dataclass(frozen=True)
class StagedRow:
    line: int
    cells: Sequence[Cell]


@dataclass(frozen=True)
class TableCounts:
    """What a run does to the rows of one table; `label` names them for people.

    Undos alone remove rows, and leave some that they would have to change.
    """

    table: str
    label: str = ""
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    left: int = 0


@dataclass(frozen=True)
class FaultGroup:
    """Faults of one column and kind; the line is None where they concern the file as a whole."""

    column: str
    kind: str
    times: int
    rows: int
    first_line: int | None
