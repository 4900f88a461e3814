"""The warnings of valid rows that may damage stored ones, as resources declare them, and what people decide about them.

A row with warnings is held back unless all of its kinds are imported, or somebody selected it and its other kinds allow
that.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

WARNING = "warning"  # the outcome of rows with warnings


class Decision(StrEnum):
    """What to do with the rows of one kind of warning."""

    IMPORT = "import"
    SELECTED = "selected"
    SKIP = "skip"


@dataclass(frozen=True)
class RowWarning:
    """A kind of warning. `condition` is SQL over a staged row, `rows`, and the stored row that it changes, `target`.

    With `of_new`, it is about rows that change no stored row, and `target` does not exist. If that is None, it is about
    both, and says nothing of `target`.
    """

    kind: str
    label: str
    help: str
    condition: str
    default: Decision = Decision.SKIP
    of_new: bool | None = False


@dataclass(frozen=True)
class Decisions:
    """The kinds of warnings of a resource, and what was decided about each; without a decision, its default holds."""

    warnings: Sequence[RowWarning] = ()
    made: Mapping[str, str] = field(default_factory=dict)

    def of(self, warning: RowWarning) -> Decision:
        return Decision(self.made.get(warning.kind, warning.default))

    @property
    def is_held(self) -> str:
        """Return the SQL condition that a row with warnings is not imported."""
        imported, selected = self._kinds(Decision.IMPORT), self._kinds(Decision.IMPORT, Decision.SELECTED)
        return f"NOT (rows.warnings <@ {imported} OR (rows.accepted AND rows.warnings <@ {selected}))"

    @property
    def is_written(self) -> str:
        """Return the SQL condition that a row, with or without warnings, is not held back."""
        return f"(rows.outcome <> '{WARNING}' OR NOT {self.is_held})"

    @property
    def holds_kind(self) -> str:
        """Return the SQL condition that a row is held back because of `kind`, one of its kinds."""
        imported, selected = self._kinds(Decision.IMPORT), self._kinds(Decision.SELECTED)
        return f"(kind <> ALL ({imported}) AND NOT (rows.accepted AND kind = ANY ({selected})))"

    def _kinds(self, *decisions: Decision) -> str:
        kinds = [f"'{warning.kind}'" for warning in self.warnings if self.of(warning) in decisions]
        return f"ARRAY[{', '.join(kinds)}]::text[]"


@dataclass(frozen=True)
class Choice:
    """What a person decided about one kind on one page: for its shown lines, which of them are selected."""

    kind: str
    decision: Decision
    shown: Collection[int]
    selected: Collection[int]
