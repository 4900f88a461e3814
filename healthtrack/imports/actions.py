"""What a run does, by its kind: it imports files, or it undoes another run."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from django.http import QueryDict

from healthtrack.imports import registry
from healthtrack.imports.importer import Importer, PagePart, ReadingPlan, RunInput, StoredFile, Summary
from healthtrack.imports.models import ImportRun, Kind
from healthtrack.imports.outcomes import AlreadyUndoneError
from healthtrack.imports.progress import Progress
from healthtrack.imports.results import ApplyResult
from healthtrack.imports.run_locks import lock_until_commit
from healthtrack.imports.undone_runs import undone_runs


class RunAction(ABC):
    """What the life cycle and the pages ask of a run, whatever its kind."""

    started_by_label: ClassVar[str]
    subject: ClassVar[str]

    def __init__(self, run: ImportRun) -> None:
        self.run = run

    @property
    def importer(self) -> Importer:
        return registry.get(self.run.importer)

    @property
    @abstractmethod
    def applying_label(self) -> str:
        """What happens while a worker applies it."""

    @abstractmethod
    def apply(self, files: Sequence[StoredFile], progress: Progress) -> ApplyResult:
        """Do it, within the transaction that marks the run as applied."""

    @abstractmethod
    def summary(self, query: QueryDict) -> Summary:
        """Return what it found or did."""

    def preview(self, query: QueryDict) -> PagePart | None:
        """Return what it would do, in full."""
        return None


class ImportFiles(RunAction):
    started_by_label = "Brought by"
    subject = "the file"
    applying_label = "Importing the file: all of it or nothing"

    def apply(self, files: Sequence[StoredFile], progress: Progress) -> ApplyResult:
        return self.importer.apply(work_of(self.run, files), progress)

    def summary(self, query: QueryDict) -> Summary:
        return self.importer.summary(self.run)

    def preview(self, query: QueryDict) -> PagePart | None:
        return self.importer.preview(self.run, query)


class UndoRun(RunAction):
    started_by_label = "Asked for by"
    subject = "it"

    @property
    def applying_label(self) -> str:
        return f"Taking back import {self.run.undoes_id}: all of it or nothing"

    def apply(self, files: Sequence[StoredFile], progress: Progress) -> ApplyResult:
        undone = ImportRun.objects.get(undos=self.run)
        lock_until_commit(undone.run_id)  # of two undos of one run the second waits, and then finds it undone
        if undone.run_id in undone_runs():
            raise AlreadyUndoneError
        return self.importer.undo(undone, self.run, progress)

    def summary(self, query: QueryDict) -> Summary:
        return self.importer.undo_summary(self.run, query)


def action_of(run: ImportRun) -> RunAction:
    return {Kind.IMPORT: ImportFiles, Kind.UNDO: UndoRun}[Kind(run.kind)](run)


def work_of(run: ImportRun, files: Sequence[StoredFile]) -> RunInput:
    """Return what an importer is to work on."""
    return RunInput(run.run_id, files, ReadingPlan.of(run.plan), run.answers)
