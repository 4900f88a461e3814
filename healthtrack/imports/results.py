"""The results of checks and imports, as plain numbers and rows."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from healthtrack.imports.reading_plans import ReadingPlan
from healthtrack.imports.reasons import Notice, Reason


@dataclass(frozen=True)
class CheckResult:
    """What a check found in an upload.

    `read`, `invalid` and `affected` count what the importer calls its unit, such as rows: those that the upload holds,
    those of them with an error, and those that an import would write. `refused` says why nothing can be imported.
    `details` is the importer's own, for its summary; it must be JSON.

    With a `plan`, the check has found that the files must be read in another way, and the rest means nothing.
    """

    read: int = 0
    invalid: int = 0
    errors: int = 0
    affected: int = 0
    refused: Reason = Reason.NONE
    details: Mapping[str, Any] = field(default_factory=dict)
    plan: ReadingPlan | None = None


@dataclass(frozen=True)
class ApplyResult:
    """What an import or an undo wrote: how many of the importer's units, and details that replace the check's."""

    affected: int
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StalePreview:
    """A new preview, because the data has changed since the last one: see `ApplyResult`."""

    affected: int
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Cell:
    """A value of a staged row beside the stored one, and the header of its column."""

    header: str
    value: object
    old: object
    changed: bool


@dataclass(frozen=True)
class StagedRow:
    """A staged row as the preview shows it."""

    line: int
    outcome: str
    cells: Sequence[Cell]
    warnings: Sequence[str] = ()
    accepted: bool = False
    other_warnings: Sequence[str] = ()  # labels of those kinds that the list is not about


@dataclass(frozen=True)
class TableCounts:
    """What a run does to the rows of one table; `label` names them for people.

    Only imports hold rows back, because of their warnings. Only undos remove rows, and leave some that they would have
    to change.
    """

    table: str
    label: str = ""
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    left: int = 0
    held: int = 0

    @property
    def written(self) -> int:
        return self.new + self.changed + self.removed


@dataclass(frozen=True)
class ErrorGroup:
    """Errors of one column and kind. The line is None where they concern the file as a whole."""

    column: str
    kind: str
    times: int
    rows: int
    first_line: int | None


@dataclass(frozen=True)
class TabularResult:
    """What a tabular import found or did, as the run stores it in `result`. The table of the file's rows comes last."""

    tables: Sequence[TableCounts] = ()
    # Duplicate rows that are not rows of their own any more, and the rows that they were combined into.
    merged: int = 0
    combined: int = 0
    # What the rows change in other tables, as the resource counts and describes it.
    effects: Mapping[str, int] = field(default_factory=dict)
    notices: Sequence[Notice] = ()
    groups: Sequence[ErrorGroup] = ()
    # The number of rows that have changed since the last preview; None if this is the first.
    stale: int | None = None
    # Rows by outcome, as the preview lists them: those with warnings are apart, whatever was decided about them.
    listed: Mapping[str, int] = field(default_factory=dict)
    # By kind of warning: the rows that have it, and those that it holds back. A row may have several kinds.
    warnings: Mapping[str, int] = field(default_factory=dict)
    held: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, details: Mapping[str, Any]) -> "TabularResult":
        return cls(
            tables=[TableCounts(**each) for each in details.get("tables", [])],
            merged=details.get("merged", 0),
            combined=details.get("combined", 0),
            effects=details.get("effects", {}),
            notices=[Notice(**each) for each in details.get("notices", [])],
            groups=[ErrorGroup(**each) for each in details.get("groups", [])],
            stale=details.get("stale"),
            **{name: details.get(name, {}) for name in ("listed", "warnings", "held")},
        )

    def details(self) -> dict[str, Any]:
        """Return it as JSON for a run's `result`."""
        return asdict(self)

    @property
    def counts(self) -> TableCounts:
        return self.tables[-1] if self.tables else TableCounts("")

    @property
    def affected(self) -> int:
        return sum(each.written for each in self.tables)

    @property
    def changes_nothing(self) -> bool:
        """Return whether the comparison of the file has found nothing to write, now or after a decision."""
        return bool(self.tables) and not self.affected and not self.counts.held
