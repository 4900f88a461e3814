"""The interface of importers: an importer knows what an upload contains, how to store it, and how to undo that.

The life cycle of a run (`runs`, `tasks`, the pages) calls these methods and knows nothing of rows or tables. A run
stores codes and numbers only; the importer turns them into sentences when a page or a command shows them.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.http import QueryDict
from django.urls import reverse

from healthtrack.imports import staging_tables
from healthtrack.imports.answers import AnswersForm
from healthtrack.imports.models import ImportRun
from healthtrack.imports.page_parts import PagePart, ResultLink, Summary, UndoPreview
from healthtrack.imports.progress import Progress
from healthtrack.imports.reading_plans import Certainty, DetectedPart, Question, QuestionWording, ReadingPlan
from healthtrack.imports.results import ApplyResult, CheckResult, StalePreview
from healthtrack.imports.row_warnings import Choice, RowWarning

# With the parts of plans and of pages, which every importer needs.
__all__ = ["Certainty", "DetectedPart", "Importer", "PagePart", "Question", "QuestionWording", "ReadingPlan"]
__all__ += ["ResultLink", "Summary", "UndoPreview"]

Person = User | AnonymousUser

PERHAPS = 1  # an answer of `recognize`


class StoredFile:
    """A file of a run. It is found on this machine, or copied there, when its path is first used."""

    def __init__(self, name: str, size: int, source: Path | Callable[[], Path]) -> None:
        self.name = name
        self.size = size
        self._source = source

    @cached_property
    def path(self) -> Path:
        """Return where the file is on this machine. Raises FileNotFoundError if it is stored nowhere."""
        return self._source if isinstance(self._source, Path) else self._source()


@dataclass(frozen=True)
class RunInput:
    """What an importer works on: the files of a run, how to read them, and the answers to the plan's questions.

    `decisions` says what to do with the rows of each kind of warning, as far as somebody decided.
    `previewed` is the `result` that a person has seen and confirmed; None if nobody has seen a preview.
    `at_once` says that the import follows a check without errors at once. Then the check need not find out what the
    import would change, and `is_compared` is false for that import.
    """

    run_id: int
    files: Sequence[StoredFile]
    plan: ReadingPlan
    answers: Mapping[str, str]
    decisions: Mapping[str, str] = field(default_factory=dict)
    previewed: Mapping[str, Any] | None = None
    at_once: bool = False
    is_compared: bool = True


class Importer(ABC):
    """One type of import. Runs store the `name`; the `label` says what is imported, in the plural."""

    name: str
    label: str
    unit: ClassVar[str] = "file"
    takes_several_files: bool = False
    # The files that the upload form offers, as in the accept attribute of HTML.
    accepts: str = ""
    names_patients: bool = False
    # Whether people may change how a checked upload is read, in the same form in which they answer questions.
    reads_again: ClassVar[bool] = False

    def takes(self, paths: Sequence[Path]) -> bool:
        """Return whether files can be one upload, if each of them fits."""
        return self.takes_several_files or len(paths) == 1

    def may_read_again(self, run: ImportRun) -> bool:
        """Return whether people may change how this checked upload is read."""
        return self.reads_again

    @abstractmethod
    def may_import(self, person: Person) -> bool:
        """Return whether the person may upload, answer questions, import, cancel, and view the content of uploads."""

    @abstractmethod
    def may_view(self, person: Person) -> bool:
        """Return whether the person may view the stored data, which the preview of an undo shows."""

    @property
    def upload_url(self) -> str:
        """Return the address of the upload form for this type of import."""
        return reverse("admin:imports_importrun_upload", args=[self.name])

    @property
    @abstractmethod
    def list_url(self) -> str:
        """Return the address of the page that lists the imported data."""

    def get_result_link(self, run: ImportRun, person: Person) -> ResultLink:
        """Return where the page of the applied run leads the person: to the list, or to the only patient concerned."""
        return ResultLink(self.list_url, f"See the {self.label}")

    def upload_hint(self) -> str:
        """Return the sentence below the upload field, about accepted files and limits."""
        return ""

    def upload_help(self) -> PagePart | None:
        """Return what the upload page shows below its form, or None."""
        return None

    def find_misleading_name(self, name: str, path: Path) -> str:
        """Return why the name of an uploaded file does not fit its content, for people to read; or an empty text."""
        return ""

    def recognize(self, path: Path) -> int:
        """Return how well an uploaded file fits: 0 if not, `PERHAPS` if it may as well belong to others, else more.

        The more, the better, such as its known columns.
        Called while the person waits, so it reads little of the file.
        """
        return 0

    def measure_fit(self, path: Path) -> float:
        """Return how sure it is that a file is one of these, from 0 to 1: for files that do not fit where they are."""
        return float(self.recognize(path) > PERHAPS)

    def plan(self, files: Sequence[StoredFile], progress: Progress) -> ReadingPlan:
        """Find out how to read the files. The check begins once all questions of the plan are answered.

        Called within a transaction. Any exception ends the run, as `outcomes` says.
        """
        return ReadingPlan()

    def plan_again(self, work: RunInput, progress: Progress) -> ReadingPlan:
        """Find out how to read the files with the answers that people have given so far; like `plan` otherwise."""
        return work.plan

    def wording(self, question: Question) -> QuestionWording:
        """Return the words of a question of this importer's plans."""
        raise NotImplementedError

    def make_answers_form(
        self, run: ImportRun, files: Sequence[StoredFile], data: QueryDict | None = None
    ) -> AnswersForm:
        """Return the form in which people answer the questions of a run's plan. It no longer needs the files."""
        return AnswersForm(ReadingPlan.from_json(run.plan), self.wording, data)

    def describe_fields(self) -> Mapping[str, str]:
        """Return the fields that columns of files belong to, and their names for people; for profiles."""
        return {}

    def describe_meanings(self, field: str) -> Mapping[str, str]:
        """Return what a word in a column of this field can mean, in words by the answer; for profiles."""
        return {}

    @property
    def meanings(self) -> Mapping[str, str]:
        """Return what words of its files can mean, by how people write it in commands."""
        return {}

    def describe_assumptions(self, run: ImportRun) -> Mapping[str, str]:
        """Return what the plan of a run assumes, in a sentence by the name of the part, for people to check."""
        return {}

    @abstractmethod
    def check(self, work: RunInput, progress: Progress) -> CheckResult:
        """Read and validate the files, and compare them with the stored data, without changing that.

        Called within a transaction, and again from the beginning if the worker dies meanwhile. What it leaves for
        `apply` and `preview` belongs in the run's staging tables, or wherever `release` removes it. Errors in the
        files are part of the result; an exception ends the run as failed, as `outcomes` says.
        """

    @abstractmethod
    def apply(self, work: RunInput, progress: Progress) -> ApplyResult | StalePreview:
        """Write the valid part of what the check has found, after comparing it with the stored data once more.

        If a person has confirmed a preview that no longer shows what would be written, write nothing and return the
        new preview. Called within the transaction that also marks the run as applied: all of it happens or nothing.
        """

    @abstractmethod
    def undo(self, run: ImportRun, undo: ImportRun, progress: Progress) -> ApplyResult:
        """Undo what `run` did, except where somebody has changed the data since; `undo` is the run that does it.

        Called within the transaction that also marks `undo` as applied.
        """

    def can_undo(self, run: ImportRun) -> bool:
        """Return whether an applied run can still be undone, as far as the importer knows."""
        return True

    def count_patients(self, run: ImportRun) -> int:
        """Return how many patients a checked run concerns."""
        return run.valid_count if self.names_patients else 0

    @property
    def max_bytes(self) -> int:
        """Return how many bytes an upload may have."""
        return int(settings.IMPORT_MAX_BYTES)

    @abstractmethod
    def preview_undo(self, run: ImportRun) -> UndoPreview:
        """Return what an undo of the run would do now, without doing it."""

    @abstractmethod
    def summary(self, run: ImportRun) -> Summary:
        """Return what the run found or, once it is applied, did: from its counts and its `result`."""

    @abstractmethod
    def undo_summary(self, run: ImportRun, query: QueryDict) -> Summary:
        """Return what the undo `run` did and which conflicts it left; `query` is the query of the page's address."""

    def list_changes(self, run: ImportRun, query: QueryDict) -> PagePart | None:
        """Return the part of the page that lists what the undo or edit `run` changed, to people who may import."""
        return None

    def preview(self, run: ImportRun, query: QueryDict) -> PagePart | None:
        """Return the part of the run's page that shows the content of the upload, to people who may import; or None."""
        return None

    @abstractmethod
    def as_json(self, run: ImportRun) -> dict[str, object]:
        """Return the counts that the command line prints with --json."""

    @property
    def warnings(self) -> Sequence[RowWarning]:
        """Return the kinds of warnings that its rows may have; uploads without rows have none."""
        return []

    def changes_nothing(self, run: ImportRun) -> bool:
        """Return whether the import of a checked run would leave all data as it is."""
        return False

    def count_held(self, run: ImportRun) -> int:
        """Return how many rows with warnings the import holds back."""
        return 0

    def decide(self, work: RunInput, choice: Choice) -> StalePreview:
        """Store what a person chose among the rows of a kind of warning. Return the preview with `work.decisions`."""
        raise NotImplementedError

    def errors(self, run: ImportRun) -> Iterator[str]:
        """Return the errors that the check has found, each as a sentence with its place in the file."""
        return iter(())

    def has_error_report(self, run: ImportRun) -> bool:
        """Return whether `error_report` has something to download."""
        return False

    def error_report(self, run: ImportRun) -> Iterator[str]:
        """Yield the invalid part of the upload as CSV, in pieces, for people to correct and upload again."""
        raise NotImplementedError

    def patients_in_error_report(self, run: ImportRun) -> Iterator[str]:
        """Yield the numbers of the patients in the error report. Only called if uploads name patients."""
        raise NotImplementedError

    def release(self, run: ImportRun) -> None:
        """Remove what the check of the ended run has left, except what its page shows until its retention is over."""
        staging_tables.drop(run.run_id)
