"""What an importer is: the part of an import that knows what an upload holds, where it goes, and how to undo it.

The life cycle of a run (`runs`, `tasks`, the pages) calls these methods and knows nothing of rows or tables. Whatever
an importer tells people, it tells from codes and numbers that the run has stored, at the moment of showing them.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

from django.contrib.auth.models import AnonymousUser, User
from django.http import QueryDict

from healthtrack.imports.models import ImportRun
from healthtrack.imports.progress import Progress
from healthtrack.imports.results import ApplyResult, CheckResult
from healthtrack.imports.staging_schema import StagingSchema

Person = User | AnonymousUser


class Certainty(StrEnum):
    """How sure a plan is of one part of how an upload is to be read."""

    CERTAIN = "certain"
    ASSUMED = "assumed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class DetectedPart:
    """One part of how an upload is to be read, such as its encoding; the importer gives value and name a meaning."""

    name: str
    value: Any
    certainty: Certainty = Certainty.CERTAIN


@dataclass(frozen=True)
class Question:
    """What only the user can answer, by one of the choices. `Importer.wording` puts it in words."""

    name: str
    choices: Sequence[str]
    suggested: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ReadingPlan:
    """How an upload is to be read, and the questions whose answers are missing. A run stores it as JSON."""

    parts: Sequence[DetectedPart] = ()
    questions: Sequence[Question] = ()

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None) -> "ReadingPlan":
        """Return the plan that a run stores, or one without questions if it stores none yet."""
        if stored is None:
            return cls()
        parts = [DetectedPart(**{**each, "certainty": Certainty(each["certainty"])}) for each in stored["parts"]]
        return cls(parts, [Question(**each) for each in stored["questions"]])

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class QuestionWording:
    """A question as a person reads it; `choices` has the words of each choice."""

    label: str
    choices: Mapping[str, str]
    help: str = ""


@dataclass(frozen=True)
class StoredFile:
    """A file of a run, where it is stored."""

    name: str
    size: int
    path: Path


@dataclass(frozen=True)
class RunInput:
    """What an importer is to work on."""

    run_id: int
    files: Sequence[StoredFile]
    plan: ReadingPlan
    answers: Mapping[str, str]


@dataclass(frozen=True)
class PagePart:
    """A part of a page: a template, and what it shows as its `part`.

    `shown` says which part of an upload it is, and `patients` whom it names, for the log of who saw what.
    """

    template: str
    view: Any
    shown: Sequence[str] = ()
    patients: Sequence[str] = ()


@dataclass(frozen=True)
class Summary:
    """What a run found or did: in a sentence for its page, in lines for the command line, and in full as a part."""

    headline: str = ""
    lines: Sequence[str] = ()
    notices: Sequence[str] = ()
    part: PagePart | None = None


class Importer(ABC):
    """One way to import uploads. `name` is what runs store; `label` names what is imported, in the plural."""

    name: str
    label: str
    unit: ClassVar[str] = "file"
    takes_several_files: ClassVar[bool] = False
    # Which files the upload form offers, as in the accept attribute of HTML, and the sentence below the form's field.
    accepts: ClassVar[str] = ""
    names_patients: bool = False

    @abstractmethod
    def may_import(self, person: Person) -> bool:
        """Return whether the person may upload, answer, apply and cancel, and see what an upload holds."""

    @abstractmethod
    def may_view(self, person: Person) -> bool:
        """Return whether the person may see what is stored; who undoes an import is shown it."""

    @property
    @abstractmethod
    def upload_url(self) -> str:
        """The address of the upload form."""

    @property
    @abstractmethod
    def list_url(self) -> str:
        """The address of the page that lists what was imported."""

    def upload_hint(self) -> str:
        """Return what the upload form says about the files that it takes."""
        return ""

    def upload_help(self) -> PagePart | None:
        """Return what the upload page shows below its form."""
        return None

    def plan(self, files: Sequence[StoredFile], progress: Progress) -> ReadingPlan:
        """Find out how the files are to be read. The check begins once all questions of the plan are answered.

        Called within a transaction. An OSError or any other exception ends the run.
        """
        return ReadingPlan()

    def wording(self, question: Question) -> QuestionWording:
        """Return a question of this importer's plans in words."""
        raise NotImplementedError

    @abstractmethod
    def check(self, work: RunInput, progress: Progress) -> CheckResult:
        """Read and check the files, and compare them with what is stored, without changing anything stored.

        Called within a transaction, and again from the beginning when a worker was ended amid it. What it leaves for
        `apply` and `preview` belongs into the run's staging area, or where `release` removes it. What is wrong with
        the files is part of the result; an exception ends the run as failed, as `outcomes` says.
        """

    @abstractmethod
    def apply(self, work: RunInput, progress: Progress) -> ApplyResult:
        """Write what the check has found, without its invalid part, compared again with what is stored by now.

        Called within the transaction that also marks the run as applied: all of it takes place or nothing.
        """

    @abstractmethod
    def undo(self, run: ImportRun, undo: ImportRun, progress: Progress) -> ApplyResult:
        """Take back what `run` did, except what was changed since; `undo` is the run that does it.

        Called within the transaction that also marks `undo` as applied.
        """

    @abstractmethod
    def preview_undo(self, run: ImportRun) -> PagePart:
        """Return what an undo of the run would do now, without doing it."""

    @abstractmethod
    def summary(self, run: ImportRun) -> Summary:
        """Return what the run found, or did once it is applied, from its numbers and its `result`."""

    @abstractmethod
    def undo_summary(self, run: ImportRun, query: QueryDict) -> Summary:
        """Return what the undo `run` did and what it left; `query` is that of the page's address."""

    def preview(self, run: ImportRun, query: QueryDict) -> PagePart | None:
        """Return the part of the run's page that shows what the upload holds, to who may import."""
        return None

    @abstractmethod
    def as_json(self, run: ImportRun) -> dict[str, object]:
        """Return the counts that the command line prints with --json."""

    def errors(self, run: ImportRun) -> Iterator[str]:
        """Return each error that the check has found, as a sentence that names the place."""
        return iter(())

    def has_error_report(self, run: ImportRun) -> bool:
        """Return whether the invalid part of the upload can be downloaded."""
        return False

    def error_report(self, run: ImportRun) -> Iterator[str]:
        """Return the invalid part of the upload as CSV, in pieces, to be corrected and uploaded again."""
        raise NotImplementedError

    def release(self, run_id: int, *, keep_errors: bool) -> None:
        """Remove what the check has left; errors are kept for a day where somebody may want to read them."""
        StagingSchema(run_id).drop()
