from dataclasses import asdict

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, Index, Q
from django.db.models.functions import Now

from healthtrack.imports.results import FaultGroup, LinkCounts, TableCounts

LONGEST_FILE_NAME = 255


class State(models.TextChoices):
    CHECKING = "checking", "Checking"
    CHECKED = "checked", "Checked"
    APPLYING = "applying", "Importing"
    APPLIED = "applied", "Imported"
    REFUSED = "refused", "Refused"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
    EXPIRED = "expired", "Expired"


WORKING = (State.CHECKING, State.APPLYING)
OPEN = (*WORKING, State.CHECKED)
ENDED = tuple(state for state in State if state not in OPEN)
MOODS = {State.CHECKED: "warning", State.APPLIED: "good", State.REFUSED: "bad", State.FAILED: "bad"}


class Stage(models.TextChoices):
    """What a worker does with a run that it has taken up."""

    WAITING = "waiting", "Waiting for a worker"
    READING = "reading", "Reading and checking the rows"
    COMPARING = "comparing", "Comparing with what is stored"
    TURN = "turn", "Waiting for another import to end"
    COMPARING_AGAIN = "again", "Comparing with what is stored now"
    WRITING = "writing", "Writing the rows"


class ImportRun(models.Model):
    """One file on its way into the tables: what it was, who brought it, how far it came, and what it changes."""

    run_id = models.BigAutoField(primary_key=True, db_comment="Number of the import")
    kind = models.CharField(
        max_length=100, db_comment="The model whose rows the file holds, such as patients.medicalrecord"
    )
    state = models.CharField(
        max_length=9, choices=State, default=State.CHECKING, db_comment="How far the import has come"
    )
    started_at = models.DateTimeField("started", db_default=Now(), db_comment="Moment at which the file came")
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name="person",
        db_comment="Who brought the file, null when it came by the command line",
    )
    finished_at = models.DateTimeField(
        "finished", null=True, db_comment="Moment at which the import ended, null while it is open"
    )
    undoes = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        related_name="undos",
        db_index=False,  # the table is small
        db_comment="The run that this one takes back, null when it brings a file",
    )
    first_change = models.BigIntegerField(
        null=True, db_comment="What has a higher number in the history came after it, null when it changed nothing yet"
    )
    file_name = models.CharField("file", max_length=LONGEST_FILE_NAME, db_comment="The file's own name")
    file_size = models.BigIntegerField(db_comment="Size of the file in bytes")
    file_sha256 = models.CharField(max_length=64, db_comment="SHA-256 of the file in hexadecimal digits")
    upload = models.CharField(
        max_length=32, blank=True, default="", db_comment="Random name of the kept upload, empty when none is kept"
    )
    stage = models.CharField(
        max_length=9, choices=Stage, default=Stage.WAITING, db_comment="What a worker does with it at the moment"
    )
    fraction_done = models.FloatField(default=0, db_comment="Share of the work of checking or importing that is done")
    rows_done = models.BigIntegerField(default=0, db_comment="Rows that the stage has done")
    rows_total = models.BigIntegerField(default=0, db_comment="Rows that the stage has to do, 0 when not known")
    work_began_at = models.DateTimeField(null=True, db_comment="Moment at which a worker took it up")
    cancel_asked = models.BooleanField(default=False, db_comment="Whether somebody asked to cancel it")
    without_faulty = models.BooleanField(
        default=False, db_comment="Whether a person chose to import the good rows without the faulty ones"
    )
    rows_read = models.BigIntegerField(default=0, db_comment="Rows of the file")
    rows_merged = models.BigIntegerField(default=0, db_comment="Rows that were merged into others")
    rows_faulty = models.BigIntegerField(default=0, db_comment="Rows that hold a fault")
    faults = models.BigIntegerField(default=0, db_comment="Faults found; a row may hold several")
    linked = models.BigIntegerField(default=0, db_comment="Patients linked by the tracker that they state")
    unmatched = models.BigIntegerField(default=0, db_comment="Patients whose stated tracker no model answers to")
    ambiguous = models.BigIntegerField(default=0, db_comment="Linked patients whose name means several brands")
    link_summary = models.TextField(blank=True, default="", db_comment="The links in words")
    table_counts = models.JSONField(default=list, db_comment="Rows new, changed and unchanged, table by table")
    notices = models.JSONField(default=list, db_comment="What the file's reader should know, sentences")
    groups = models.JSONField(default=list, db_comment="The faults by column and kind, counted, without values")
    reason = models.TextField(blank=True, default="", db_comment="Why it ended without importing")
    check_seconds = models.FloatField(null=True, db_comment="Seconds that checking took")
    apply_seconds = models.FloatField(null=True, db_comment="Seconds that importing took")

    FOUND = (
        "rows_read",
        "rows_merged",
        "rows_faulty",
        "faults",
        "linked",
        "unmatched",
        "ambiguous",
        "link_summary",
        "table_counts",
        "notices",
        "groups",
    )

    class Meta:
        db_table = "import_runs"
        db_table_comment = "Files that were imported or checked, a row a file"
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
        ]
        indexes = [
            Index("file_sha256", name="import_runs_same_file"),
            Index("state", name="import_runs_open", condition=Q(finished_at=None)),
        ]

    def __str__(self) -> str:
        return f"Import {self.run_id}"

    @property
    def model(self) -> type[models.Model]:
        return apps.get_model(self.kind)

    @property
    def mood(self) -> str:
        """How good its state is: a class of the style sheets' badges."""
        return MOODS.get(State(self.state), "")

    @property
    def is_working(self) -> bool:
        return self.state in WORKING

    @property
    def is_ended(self) -> bool:
        return self.state in ENDED

    @property
    def rows_good(self) -> int:
        return self.rows_read - self.rows_faulty

    @property
    def seconds(self) -> float:
        return (self.check_seconds or 0) + (self.apply_seconds or 0)

    @property
    def tables(self) -> list[TableCounts]:
        return [TableCounts(**counts) for counts in self.table_counts]

    @tables.setter
    def tables(self, tables: list[TableCounts]) -> None:
        self.table_counts = [asdict(counts) for counts in tables]

    @property
    def counts(self) -> TableCounts:
        """Those of the table that the file's rows are rows of."""
        return self.tables[-1] if self.table_counts else TableCounts("")

    @property
    def links(self) -> LinkCounts:
        return LinkCounts(self.linked, self.unmatched, self.ambiguous)

    @links.setter
    def links(self, links: LinkCounts) -> None:
        self.linked, self.unmatched, self.ambiguous = links.linked, links.unmatched, links.ambiguous

    @property
    def fault_groups(self) -> list[FaultGroup]:
        return [FaultGroup(**group) for group in self.groups]

    @fault_groups.setter
    def fault_groups(self, groups: list[FaultGroup]) -> None:
        self.groups = [asdict(group) for group in groups]

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
            "linked": self.linked,
            "unmatched": self.unmatched,
            "ambiguous": self.ambiguous,
            "seconds": round(self.seconds, 3),
            "read": self.rows_read,
            "merged": self.rows_merged,
            "tables": {
                each.table: {"new": each.new, "changed": each.changed, "unchanged": each.unchanged}
                for each in self.tables
            },
            "run": self.run_id,
        }


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

    class Meta:
        db_table = "undo_conflicts"
        db_table_comment = "Rows that an undo of an import left, for somebody else had changed them since"
        ordering = ["conflict_id"]
        default_permissions = ()
