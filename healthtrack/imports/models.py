"""A run: an upload on its way into the tables, or the undo of one; with its files, and what an undo left."""

from collections.abc import Sequence
from functools import cached_property

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import CheckConstraint, Index, OuterRef, Q, UniqueConstraint, Value
from django.db.models.functions import JSONObject, Now

from healthtrack.imports.reasons import Reason

MAX_FILE_NAME_LENGTH = 255


class Kind(models.TextChoices):
    IMPORT = "import", "Import"
    UNDO = "undo", "Undo"


class State(models.TextChoices):
    CHECKING = "checking", "Checking"
    QUESTIONS = "questions", "Needs answers"
    CHECKED = "checked", "Checked"
    APPLYING = "applying", "Importing"
    APPLIED = "applied", "Imported"
    REFUSED = "refused", "Refused"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
    EXPIRED = "expired", "Expired"


WORKING = (State.CHECKING, State.APPLYING)
AWAITING_PERSON = (State.QUESTIONS, State.CHECKED)
OPEN = (*WORKING, *AWAITING_PERSON)
ENDED = tuple(state for state in State if state not in OPEN)
_BADGE_CLASSES = {
    State.QUESTIONS: "warning",
    State.CHECKED: "warning",
    State.APPLIED: "good",
    State.REFUSED: "bad",
    State.FAILED: "bad",
}


class Stage(models.TextChoices):
    """What a worker does with a run that it has claimed."""

    WAITING = "waiting", "Waiting for a worker"
    READING = "reading", "Reading and checking the rows"
    COMPARING = "comparing", "Comparing with what is stored"
    TURN = "turn", "Waiting for another import to end"
    COMPARING_AGAIN = "again", "Comparing with what is stored now"
    WRITING = "writing", "Writing the rows"


class ImportRunQuerySet(models.QuerySet["ImportRun"]):
    def with_files(self) -> "ImportRunQuerySet":
        """Fetch the files in the same query as the runs."""
        files = ImportFile.objects.filter(run=OuterRef("pk")).order_by("position")
        facts = JSONObject(name="name", size="size", sha256="sha256", upload="upload")
        return self.annotate(file_facts=ArraySubquery(files.values(facts=facts)))


class ImportRun(models.Model):
    """An upload on its way into the tables, or the undo of one. Only `runs` writes it.

    What an upload holds is its importer's business: `result` is filled and put in words by the importer. The columns
    beside it are what lists, reports and metrics need of every run. Progress is kept here and not in a table of its
    own: no index covers its columns, so writing it twice a second costs little, and a page reads one row.
    """

    run_id = models.BigAutoField(primary_key=True, db_comment="Number of the run")
    importer = models.CharField(
        max_length=100, db_comment="The registered importer that reads the files, such as patients.medicalrecord"
    )
    kind = models.CharField(
        max_length=6, choices=Kind, default=Kind.IMPORT, db_comment="Whether it imports files, or undoes another run"
    )
    state = models.CharField(max_length=9, choices=State, default=State.CHECKING, db_comment="How far the run has come")
    started_at = models.DateTimeField("started", db_default=Now(), db_comment="Moment of the upload or the request")
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name="person",
        db_comment="Who uploaded the files or requested the undo, null for the command line",
    )
    finished_at = models.DateTimeField(
        "finished", null=True, db_comment="Moment at which the run ended, null while it is open"
    )
    undoes = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        related_name="undos",
        db_index=False,  # the table is small
        db_comment="The run that this one undoes, null when it imports files",
    )
    first_change = models.BigIntegerField(
        null=True, db_comment="Changes with a higher number were made after it, null when it has changed nothing yet"
    )
    stage = models.CharField(
        max_length=9, choices=Stage, default=Stage.WAITING, db_comment="What a worker does with it at the moment"
    )
    fraction_done = models.FloatField(default=0, db_comment="Share of the work of checking or importing that is done")
    items_done = models.BigIntegerField(default=0, db_comment="Items, such as rows, that the stage has done")
    items_total = models.BigIntegerField(default=0, db_comment="Items that the stage has to do, 0 when not known")
    work_began_at = models.DateTimeField(null=True, db_comment="Moment at which a worker claimed it")
    cancel_requested = models.BooleanField(default=False, db_comment="Whether somebody asked to cancel it")
    without_invalid = models.BooleanField(
        default=False, db_comment="Whether a person chose to import the valid items without the invalid ones"
    )
    plan = models.JSONField(null=True, db_comment="How the files are to be read, null until that is found out")
    answers = models.JSONField(default=dict, db_comment="The answers to the plan's questions, by the question's name")
    read_count = models.BigIntegerField(default=0, db_comment="Items, such as rows, that the files hold")
    invalid_count = models.BigIntegerField(default=0, db_comment="Items that hold an error")
    error_count = models.BigIntegerField(default=0, db_comment="Errors found; an item may hold several")
    affected_count = models.BigIntegerField(default=0, db_comment="Stored rows that it adds, changes or removes")
    result = models.JSONField(default=dict, db_comment="What it found or did, in the importer's own terms")
    reason = models.CharField(
        max_length=40, choices=Reason, blank=True, default="", db_comment="Why it ended without importing, a code"
    )
    reason_params = models.JSONField(default=dict, db_comment="What the sentence of the reason names")
    check_seconds = models.FloatField(null=True, db_comment="Seconds that checking took")
    apply_seconds = models.FloatField(null=True, db_comment="Seconds that importing took")

    objects = ImportRunQuerySet.as_manager()

    class Meta:
        db_table = "import_runs"
        db_table_comment = "Uploads that were imported or checked, and undos of imports"
        verbose_name = "import"
        ordering = ["-run_id"]
        default_permissions = ("view",)
        permissions = [("undo_importrun", "Can undo imports")]
        constraints = [
            CheckConstraint(name="import_runs_state_known", condition=Q(state__in=State.values)),
            CheckConstraint(
                name="import_runs_finished_when_ended",
                condition=Q(state__in=OPEN, finished_at=None) | Q(state__in=ENDED, finished_at__isnull=False),
            ),
            CheckConstraint(
                name="import_runs_undo_names_its_run",
                condition=Q(kind=Kind.UNDO, undoes__isnull=False) | Q(kind=Kind.IMPORT, undoes=None),
            ),
        ]
        indexes = [Index("state", name="import_runs_open", condition=Q(finished_at=None))]

    def __str__(self) -> str:
        return f"Import {self.run_id}"

    @property
    def badge_class(self) -> str:
        """The class of the style sheets that shows how good its state is."""
        return _BADGE_CLASSES.get(State(self.state), "")

    @property
    def is_working(self) -> bool:
        return self.state in WORKING

    @property
    def is_checking(self) -> bool:
        return self.state == State.CHECKING

    @property
    def needs_answers(self) -> bool:
        return self.state == State.QUESTIONS

    @property
    def is_checked(self) -> bool:
        return self.state == State.CHECKED

    @property
    def is_applied(self) -> bool:
        return self.state == State.APPLIED

    @property
    def is_ended(self) -> bool:
        return self.state in ENDED

    @property
    def is_undo(self) -> bool:
        return self.kind == Kind.UNDO

    @property
    def valid_count(self) -> int:
        return self.read_count - self.invalid_count

    @property
    def seconds(self) -> float:
        return (self.check_seconds or 0) + (self.apply_seconds or 0)

    @cached_property
    def all_files(self) -> Sequence["ImportFile"]:
        """The files in their order, without a query for a run that was fetched with them."""
        facts = getattr(self, "file_facts", None)
        return list(self.files.all()) if facts is None else [ImportFile(run=self, **each) for each in facts]

    @property
    def has_uploads(self) -> bool:
        """Whether files are stored for a worker, as those of the command line are not."""
        return any(file.upload for file in self.all_files)

    @property
    def is_for_worker(self) -> bool:
        """Whether it waits for a worker, or is worked on by one."""
        return self.is_working and (self.is_undo or self.has_uploads)

    @property
    def title(self) -> str:
        """What a list calls it: its file, or the run that it undoes."""
        if self.is_undo:
            return f"Undo of import {self.undoes_id}"
        first, *others = [file.name for file in self.all_files] or ["no file"]
        return f"{first} and {len(others)} more" if others else first


class ImportFile(models.Model):
    """A file of a run."""

    file_id = models.BigAutoField(primary_key=True, db_comment="Number of the file")
    run = models.ForeignKey(
        ImportRun, on_delete=models.CASCADE, related_name="files", db_index=False, db_comment="The run that reads it"
    )
    position = models.IntegerField(db_comment="Its place among the files of the run, from 1")
    name = models.CharField(max_length=MAX_FILE_NAME_LENGTH, db_comment="The name that it had at its owner's")
    size = models.BigIntegerField(db_comment="Size in bytes")
    sha256 = models.CharField(max_length=64, db_comment="SHA-256 in hexadecimal digits")
    upload = models.CharField(
        max_length=32, blank=True, default="", db_comment="Random name of the stored upload, empty when none is stored"
    )

    class Meta:
        db_table = "import_files"
        db_table_comment = "Files of import runs"
        ordering = ["run", "position"]
        default_permissions = ()
        constraints = [UniqueConstraint(fields=["run", "position"], name="import_files_position")]
        indexes = [Index("sha256", name="import_files_same_file")]

    def __str__(self) -> str:
        return self.name


class UndoConflict(models.Model):  # noqa: DJ008 (its page names it)
    """A row that an undo left as it was, for somebody to settle by hand."""

    conflict_id = models.BigAutoField(primary_key=True, db_comment="Number of the row left")
    run = models.ForeignKey(
        ImportRun, on_delete=models.CASCADE, related_name="conflicts", db_comment="The undo that left it"
    )
    table_name = models.CharField(max_length=63, db_comment="The table that the row stands in, or stood")
    patient_id = models.CharField(  # noqa: DJ001 (as in the history)
        max_length=50, null=True, db_comment="The patient, null when it is none"
    )
    model_id = models.IntegerField(null=True, db_comment="The tracker model, null when it is none")
    row_id = models.IntegerField(null=True, db_comment="The row's own number, null where another column names it")
    reason = models.CharField(max_length=100, db_comment="Why it was left")
    reason_params = models.JSONField(
        db_default=Value({}, models.JSONField()), db_comment="What the sentence of the reason names"
    )

    class Meta:
        db_table = "undo_conflicts"
        db_table_comment = "Rows that an undo of an import left, for somebody else had changed them since"
        ordering = ["conflict_id"]
        default_permissions = ()
