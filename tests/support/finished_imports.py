"""Imports into tables, for tests: the run, its counts and its errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from healthtrack.imports import registry
from healthtrack.imports.importer import StoredFile
from healthtrack.imports.life_cycle import runs, steps
from healthtrack.imports.life_cycle.import_at_once import import_at_once
from healthtrack.imports.life_cycle.runs import Instructions
from healthtrack.imports.models import ImportRun
from healthtrack.imports.reading_plans import ReadingPlan
from healthtrack.imports.reasons import reason_text
from healthtrack.imports.results import ErrorGroup, TableCounts, TabularResult
from healthtrack.imports.row_errors import RowError
from healthtrack.imports.tabular import preview_queries
from trackers.links import LinkCounts


def get_result(run: ImportRun) -> TabularResult:
    """Return what the run found or did."""
    return TabularResult.of(run.result)


def get_counts(run: ImportRun) -> TableCounts:
    """Return the counts of the table that the rows of the file belong to."""
    return get_result(run).counts


@dataclass
class Imported:
    """A run that has ended, with its errors."""

    run: ImportRun
    errors: list[RowError] = field(default_factory=list)

    @cached_property
    def result(self) -> TabularResult:
        return get_result(self.run)

    @property
    def counts(self) -> TableCounts:
        return self.result.counts

    @property
    def tables(self) -> Sequence[TableCounts]:
        return self.result.tables

    @property
    def links(self) -> LinkCounts:
        return LinkCounts(**self.result.effects)

    @property
    def notices(self) -> list[str]:
        return [str(notice) for notice in self.result.notices]

    @property
    def reason(self) -> str:
        """Return the sentence that says why the run ended without importing."""
        return reason_text(self.run.reason, self.run.reason_params)

    @property
    def questions(self) -> list[str]:
        """Return what a person has to answer before the file can be read, and how commands are answered."""
        importer = registry.get(self.run.importer)
        words = map(importer.wording, ReadingPlan.from_json(self.run.plan).questions)
        return [f"{each.label} {each.for_commands}" for each in words]

    @property
    def assumptions(self) -> list[str]:
        return list(registry.get(self.run.importer).describe_assumptions(self.run).values())

    @property
    def error_groups(self) -> Sequence[ErrorGroup]:
        return self.result.groups

    @property
    def rows_read(self) -> int:
        return self.run.read_count

    @property
    def rows_merged(self) -> int:
        return self.result.merged

    @property
    def rows_invalid(self) -> int:
        return self.run.invalid_count


def check_file(importer: str, path: Path) -> ImportRun:
    """Return a run that is checked and ready to import."""
    size = path.stat().st_size
    run = runs.open_run(importer, [runs.FileFacts(path.name, size, "0" * 64)])
    steps.check(run, [StoredFile(path.name, size, path)], steps.no_progress)
    return run


def import_file(
    importer: str, path: Path, *, dry_run: bool = False, answers: Mapping[str, str] | None = None
) -> Imported:
    run = import_at_once(importer, [path], dry_run=dry_run, instructions=Instructions(answers or {}))
    return Imported(run, list(preview_queries.iterate_errors(run)))


def apply(run: ImportRun) -> ImportRun:
    """Import the files of the run, or do the undo, as a worker would."""
    with steps.open_uploads(run) as files:
        steps.apply(run, files, steps.no_progress)
    return run
