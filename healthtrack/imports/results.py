from collections.abc import Sequence
from dataclasses import dataclass

from import_export.results import Result

from healthtrack.imports.faults import Fault

OUTCOMES = ("new", "changed", "unchanged")
MOST_FAULTS_SHOWN = 10_000
MOST_GROUPS_SHOWN = 100


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
    """A value of a sample row beside the stored one."""

    value: object
    old: object
    changed: bool


@dataclass(frozen=True)
class Sample:
    line: int
    cells: Sequence[Cell]


@dataclass(frozen=True)
class TableCounts:
    """What an import does to the rows of one table; `label` names them for people."""

    table: str
    label: str = ""
    new: int = 0
    changed: int = 0
    unchanged: int = 0


@dataclass(frozen=True)
class FaultGroup:
    column: str
    reason: str
    times: int
    first_line: int | None


class ImportResult(Result):
    """What an import would change, or has changed: the same for the upload page and the command line."""

    def __init__(self) -> None:
        super().__init__()
        self.headers: list[str] = []
        self.notices: list[str] = []
        self.faults: list[Fault] = []
        self.rows_read = 0
        self.rows_merged = 0
        self.rows_faulty = 0
        self.tables: list[TableCounts] = []
        self.samples: dict[str, list[Sample]] = {}
        self.links = LinkCounts()
        self.link_summary = ""
        self.seconds = 0.0

    @property
    def counts(self) -> TableCounts:
        """Those of the table that the file's rows are rows of."""
        return self.tables[-1] if self.tables else TableCounts("")

    @property
    def shown_faults(self) -> list[Fault]:
        return self.faults[:MOST_FAULTS_SHOWN]

    @property
    def fault_groups(self) -> list[FaultGroup]:
        """The faults by column and kind, the most frequent first; of very many kinds the first hundred."""
        kinds: dict[tuple[str, str], list[Fault]] = {}
        for fault in self.faults:
            kinds.setdefault((fault.column, fault.reason), []).append(fault)
        groups = [FaultGroup(*kind, len(faults), faults[0].line) for kind, faults in kinds.items()]
        return sorted(groups, key=lambda group: -group.times)[:MOST_GROUPS_SHOWN]

    def has_validation_errors(self) -> bool:
        return bool(self.faults)

    def summary(self) -> list[str]:
        """The counts in words, a sentence a line."""
        lines = [
            f"{each.label.capitalize()}: {each.new:,} new, {each.changed:,} changed, {each.unchanged:,} unchanged"
            for each in self.tables
        ]
        lines.append(f"{self.rows_read:,} rows read, {self.rows_merged:,} of them merged into others")
        lines.append(self.link_summary)
        return lines

    def as_json(self) -> dict[str, object]:
        counts = self.counts
        return {
            "new": counts.new,
            "changed": counts.changed,
            "unchanged": counts.unchanged,
            "faulty": self.rows_faulty,
            "linked": self.links.linked,
            "unmatched": self.links.unmatched,
            "ambiguous": self.links.ambiguous,
            "seconds": round(self.seconds, 3),
            "read": self.rows_read,
            "merged": self.rows_merged,
            "tables": {
                each.table: {"new": each.new, "changed": each.changed, "unchanged": each.unchanged}
                for each in self.tables
            },
        }
