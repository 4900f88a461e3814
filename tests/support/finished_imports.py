"""Imports as a test sees them: the run, and the faults that it told."""

from dataclasses import dataclass, field
from pathlib import Path

from healthtrack.imports import runs
from healthtrack.imports.models import ImportRun
from healthtrack.imports.resources import SetResource
from healthtrack.imports.results import FaultGroup, LinkCounts, TableCounts
from healthtrack.imports.row_errors import Fault


@dataclass
class Imported:
    run: ImportRun
    faults: list[Fault] = field(default_factory=list)

    @property
    def counts(self) -> TableCounts:
        return self.run.counts

    @property
    def tables(self) -> list[TableCounts]:
        return self.run.tables

    @property
    def links(self) -> LinkCounts:
        return self.run.links

    @property
    def notices(self) -> list[str]:
        return list(self.run.notices)

    @property
    def fault_groups(self) -> list[FaultGroup]:
        return self.run.fault_groups

    @property
    def rows_read(self) -> int:
        return self.run.rows_read

    @property
    def rows_merged(self) -> int:
        return self.run.rows_merged

    @property
    def rows_faulty(self) -> int:
        return self.run.rows_faulty


def check_file(resource: SetResource, path: Path) -> ImportRun:
    """A run that is checked and waits for somebody to go ahead."""
    facts = runs.FileFacts(path.name, path.stat().st_size, "0" * 64)
    run = runs.open_run(resource._meta.model._meta.label_lower, facts)
    runs.check(run, resource, path, runs.unobserved)
    return run


def import_file(resource: SetResource, path: Path, *, dry_run: bool = False) -> Imported:
    faults: list[Fault] = []
    run = runs.import_at_once(resource, path, dry_run=dry_run, tell=faults.append)
    return Imported(run, faults)
