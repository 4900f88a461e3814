"""What a run does, depending on its kind: import files, undo another run, or record an edit by hand."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from django.http import QueryDict

from healthtrack.imports import registry
from healthtrack.imports.importer import Importer, PagePart, RunInput, StoredFile, Summary
from healthtrack.imports.life_cycle.locks import lock_until_commit
from healthtrack.imports.life_cycle.outcomes import AlreadyUndoneError
from healthtrack.imports.models import ImportRun, Kind
from healthtrack.imports.progress import Progress
from healthtrack.imports.reading_plans import ReadingPlan
from healthtrack.imports.results import ApplyResult, StalePreview


class RunAction(ABC):
    """What the life cycle and the pages need from a run of any kind.

    `queued_name` begins the sentence that says that the run is queued.
    """

    started_by_label: ClassVar[str]
    queued_name: ClassVar[str]

    def __init__(self, run: ImportRun) -> None:
        self.run = run

    @property
    def importer(self) -> Importer:
        return registry.get(self.run.importer)

    @property
    @abstractmethod
    def applying_label(self) -> str:
        """Return what the progress bar says while a worker applies the run."""

    @abstractmethod
    def apply(self, files: Sequence[StoredFile], progress: Progress) -> ApplyResult | StalePreview:
        """Import or undo, within the transaction that marks the run as applied.

        Return what was written, or the new preview if the data has changed since the one that a person confirmed.
        """

    @abstractmethod
    def summary(self, query: QueryDict) -> Summary:
        """Return what the run found or did."""

    def preview(self, query: QueryDict) -> PagePart | None:
        """Return the part of the page that shows what the run would do, or None."""
        return None


class ImportFiles(RunAction):
    started_by_label = "Uploaded by"
    queued_name = "Your file"
    applying_label = "Importing the file (all or nothing)"

    def apply(self, files: Sequence[StoredFile], progress: Progress) -> ApplyResult | StalePreview:
        return self.importer.apply(get_run_input(self.run, files), progress)

    def summary(self, query: QueryDict) -> Summary:
        return self.importer.summary(self.run)

    def preview(self, query: QueryDict) -> PagePart | None:
        return self.importer.preview(self.run, query)


class UndoRun(RunAction):
    started_by_label = "Requested by"
    queued_name = "The undo"

    @property
    def applying_label(self) -> str:
        return f"Undoing {str(self.run.undoes).lower()} (all or nothing)"

    def apply(self, files: Sequence[StoredFile], progress: Progress) -> ApplyResult:
        undone = ImportRun.objects.get(undos=self.run)
        lock_until_commit(undone.run_id)  # a second undo of the same run waits here, and then finds it undone
        undone.refresh_from_db()
        if undone.is_undone:
            raise AlreadyUndoneError
        return self.importer.undo(undone, self.run, progress)

    def summary(self, query: QueryDict) -> Summary:
        return self.importer.undo_summary(self.run, query)

    def preview(self, query: QueryDict) -> PagePart | None:
        """Return the part of the page that lists what the undo did, or None before it is done."""
        return self.importer.list_changes(self.run, query) if self.run.first_change is not None else None


class EditRows(RunAction):
    """An edit is applied in the same moment in which it is recorded, so no worker applies it."""

    started_by_label = "Done by"
    queued_name = "The edit"
    applying_label = ""

    def apply(self, files: Sequence[StoredFile], progress: Progress) -> ApplyResult:
        raise NotImplementedError

    def summary(self, query: QueryDict) -> Summary:
        count = self.run.affected_count
        return Summary(f"{count:,} row{' was' if count == 1 else 's were'} changed.")

    def preview(self, query: QueryDict) -> PagePart | None:
        """Return the part of the page that lists what was changed."""
        return self.importer.list_changes(self.run, query)


def get_action(run: ImportRun) -> RunAction:
    """Return what the run does, by its kind."""
    actions: dict[Kind, type[RunAction]] = {Kind.IMPORT: ImportFiles, Kind.UNDO: UndoRun, Kind.EDIT: EditRows}
    return actions[Kind(run.kind)](run)


def get_run_input(run: ImportRun, files: Sequence[StoredFile], *, at_once: bool = False) -> RunInput:
    """Return the files, plan and answers for the importer; `at_once` as in `RunInput`."""
    previewed = run.result if run.has_uploads else None  # the command line shows no preview
    return RunInput(
        run.run_id,
        files,
        ReadingPlan.from_json(run.plan),
        run.answers,
        run.decisions,
        previewed,
        at_once,
        previewed is not None or bool(run.result.get("tables")),
    )
