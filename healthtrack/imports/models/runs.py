"""Import runs: an upload on its way into the tables, the undo of one, or an edit; with their files."""

import hashlib
import json
from collections.abc import Sequence
from functools import cache, cached_property

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import CheckConstraint, F, Index, OuterRef, Q, UniqueConstraint, Value
from django.db.models.functions import JSONObject, Now

from healthtrack.imports.edits import Edit
from healthtrack.imports.reasons import Reason
from healthtrack.imports.states import ENDED, OPEN, WORKING, Kind, Stage, State
from healthtrack.imports.uploads.unfinished_uploads import MAX_FILE_NAME_LENGTH

_BADGE_CLASSES = {
    State.QUESTIONS: "warning",
    State.CHECKED: "warning",
    State.APPLIED: "good",
    State.REFUSED: "bad",
    State.FAILED: "bad",
}
_NAMES = {Kind.IMPORT: "import", Kind.UNDO: "import", Kind.EDIT: "edit"}
_STATES_OF_OTHERS = {
    (Kind.UNDO, State.APPLYING): "Undoing",
    (Kind.UNDO, State.APPLIED): "Undo done",
    (Kind.EDIT, State.APPLIED): "Done",
}


class ImportRunQuerySet(models.QuerySet["ImportRun"]):
    def with_files(self) -> "ImportRunQuerySet":
        """Return the runs with their files and the kinds of the runs that they undo, fetched in one query."""
        return self.annotate(file_facts=_files_of_run(), undone_kind=F("undoes__kind"))


@cache
def _files_of_run() -> ArraySubquery:
    """Return the expression of a run's files. Home needs it several times, and it takes a millisecond to make."""
    files = ImportFile.objects.filter(run=OuterRef("pk")).order_by("position")
    facts = JSONObject(name="name", size="size", sha256="sha256", upload="upload")
    return ArraySubquery(files.values(facts=facts))


class ImportRun(models.Model):
    """An upload on its way into the tables, the undo of one, or an edit by hand. Only `life_cycle` writes it.

    The contents of an upload are its importer's business: the importer fills `result` and turns it into sentences. The
    other columns are what lists, reports and metrics need of every run. Progress is stored here and not in a table of
    its own: no index covers its columns, so an update twice a second costs little, and a page reads one row.
    """

    run_id = models.BigAutoField(primary_key=True, db_comment="Number of the run")
    importer = models.CharField(
        max_length=100, db_comment="The registered importer that reads the files, such as patients.medicalrecord"
    )
    kind = models.CharField(
        max_length=6,
        choices=Kind,
        default=Kind.IMPORT,
        db_comment="Whether the run imports files, undoes another run, or records an edit by hand",
    )
    state = models.CharField(max_length=9, choices=State, default=State.CHECKING, db_comment="How far the run has come")
    started_at = models.DateTimeField(
        "started", db_default=Now(), db_comment="When the files were uploaded or the undo was requested"
    )
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name="person",
        db_comment="Who uploaded the files or requested the undo; null for the command line",
    )
    finished_at = models.DateTimeField("finished", null=True, db_comment="When the run ended; null while it is open")
    undoes = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        related_name="undos",
        db_index=False,  # the table is small
        db_comment="The run that this run undoes; null if it imports files",
    )
    first_change = models.BigIntegerField(
        null=True,
        db_comment="Changes with a higher number are its own or later ones; null until it has changed something",
    )
    stage = models.CharField(
        max_length=9, choices=Stage, default=Stage.WAITING, db_comment="What a worker is doing with the run"
    )
    fraction_done = models.FloatField(
        default=0, db_comment="Share of the checking or importing that is done, from 0 to 1"
    )
    items_done = models.BigIntegerField(default=0, db_comment="Items, such as rows, done in this stage")
    items_total = models.BigIntegerField(default=0, db_comment="Items to do in this stage; 0 if unknown")
    work_began_at = models.DateTimeField(null=True, db_comment="When a worker claimed the run")
    cancel_requested = models.BooleanField(default=False, db_comment="Whether somebody requested to cancel the run")
    without_invalid = models.BooleanField(
        default=False, db_comment="Whether a person chose to import the valid items and skip the invalid ones"
    )
    is_unseen = models.BooleanField(
        default=False,
        db_default=False,
        db_comment="Whether the person who started it has not looked at it since a worker finished",
    )
    written_position = models.BigIntegerField(
        null=True, db_comment="Position in the log at which it had changed data; null until then"
    )
    plan = models.JSONField(null=True, db_comment="How to read the files; null until this is known")
    answers = models.JSONField(default=dict, db_comment="Answers to the plan's questions, by the name of the question")
    decisions = models.JSONField(
        default=dict,
        db_default=Value({}, models.JSONField()),
        db_comment="What was decided about the rows of each kind of warning: import, selected or skip",
    )
    read_count = models.BigIntegerField(default=0, db_comment="Items, such as rows, in the files")
    invalid_count = models.BigIntegerField(default=0, db_comment="Items with at least one error")
    error_count = models.BigIntegerField(default=0, db_comment="Errors found; an item may have several")
    affected_count = models.BigIntegerField(default=0, db_comment="Stored rows that the run adds, changes or removes")
    result = models.JSONField(default=dict, db_comment="What the run found or did, in the importer's own terms")
    reason = models.CharField(
        max_length=40,
        choices=Reason,
        blank=True,
        default="",
        db_comment="Why the run ended without importing, as a code",
    )
    reason_params = models.JSONField(default=dict, db_comment="Values for the sentence of the reason")
    check_seconds = models.FloatField(null=True, db_comment="Seconds that checking took")
    apply_seconds = models.FloatField(null=True, db_comment="Seconds that importing took")

    objects = ImportRunQuerySet.as_manager()

    class Meta:
        db_table = "import_runs"
        db_table_comment = "Imports of uploaded files, edits of several rows by hand, and undos of these"
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
                condition=Q(kind=Kind.UNDO, undoes__isnull=False) | Q(kind__in=[Kind.IMPORT, Kind.EDIT], undoes=None),
            ),
        ]
        indexes = [
            Index("state", name="import_runs_open", condition=Q(finished_at=None)),
            Index("started_by", name="import_runs_unseen", condition=Q(is_unseen=True)),
            Index(
                "started_by",
                "written_position",
                name="import_runs_written",
                condition=Q(written_position__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{_NAMES[Kind(self.kind)].capitalize()} {self.run_id}"

    @property
    def badge_class(self) -> str:
        """Return the CSS class of the badge that shows the state."""
        return _BADGE_CLASSES.get(State(self.state), "")

    @property
    def state_label(self) -> str:
        """Return the state in words; undos and edits are not called imports."""
        return _STATES_OF_OTHERS.get((Kind(self.kind), State(self.state))) or self.get_state_display()

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
    def is_undone(self) -> bool:
        return self.state == State.UNDONE

    @property
    def is_ended(self) -> bool:
        return self.state in ENDED

    @property
    def is_undo(self) -> bool:
        return self.kind == Kind.UNDO

    @property
    def is_edit(self) -> bool:
        return self.kind == Kind.EDIT

    @property
    def valid_count(self) -> int:
        return self.read_count - self.invalid_count

    @property
    def row_count(self) -> int:
        """Return the items that it read or, if it reads no file, the rows that it changed."""
        return self.affected_count if self.is_undo or self.is_edit else self.read_count

    @property
    def seconds(self) -> float:
        return (self.check_seconds or 0) + (self.apply_seconds or 0)

    @cached_property
    def all_files(self) -> Sequence["ImportFile"]:
        """Return the files in their order; without a query if the run was fetched `with_files`."""
        facts = getattr(self, "file_facts", None)
        return list(self.files.all()) if facts is None else [ImportFile(run=self, **each) for each in facts]

    @property
    def answers_version(self) -> str:
        """Return a text that differs for other answers. Forms carry it, so that nobody overwrites answers unseen."""
        return hashlib.sha256(json.dumps(self.answers, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def has_uploads(self) -> bool:
        """Whether its files are stored for a worker. Those of the command line are not."""
        return any(file.upload for file in self.all_files)

    @property
    def is_for_worker(self) -> bool:
        """Whether it waits for a worker, or a worker is working on it."""
        return self.is_working and (self.is_undo or self.has_uploads)

    @property
    def title(self) -> str:
        """Return its name in lists: its file, the run that it undoes, or what was edited."""
        if self.is_edit:
            return Edit.of(self.result).title
        if self.undoes_id:
            kind = getattr(self, "undone_kind", None) or self.undoes.kind  # type: ignore[union-attr]  # it has a number
            return f"Undo of {_NAMES[Kind(kind)]} {self.undoes_id}"
        first, *others = [file.name for file in self.all_files] or ["no file"]
        return f"{first} and {len(others)} more" if others else first


class ImportFile(models.Model):
    """A file of an import run."""

    file_id = models.BigAutoField(primary_key=True, db_comment="Number of the file")
    run = models.ForeignKey(
        ImportRun, on_delete=models.CASCADE, related_name="files", db_index=False, db_comment="The run that reads it"
    )
    position = models.IntegerField(db_comment="Position among the files of the run, from 1")
    name = models.CharField(
        max_length=MAX_FILE_NAME_LENGTH, db_comment="Name of the file on the computer of the person who uploaded it"
    )
    size = models.BigIntegerField(db_comment="Size in bytes")
    sha256 = models.CharField(max_length=64, db_comment="SHA-256 in hexadecimal digits")
    upload = models.CharField(
        max_length=32, blank=True, default="", db_comment="Random name of the stored upload; empty if none is stored"
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
