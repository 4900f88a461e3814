import pgtrigger
from django.conf import settings
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import UniqueConstraint
from django.db.models.functions import Lower
from django.urls import reverse

from healthtrack.core.attention import MAX_FACTS_LENGTH, MAX_KEY_LENGTH
from healthtrack.core.database.constraints import not_blank
from patients.models import MedicalRecord, MedicalRecordTracker
from trackers.models import FitnessTracker, MissingModel, TrackerAlias, TrackerModel


class Report(models.Model):  # noqa: DJ008 (there are no rows to name)
    """Holds the permissions of the reports, which `contributions.create_permissions` creates; it has no table."""

    class Meta:
        managed = False
        default_permissions = ()


class ReportChange(models.Model):  # noqa: DJ008 (nobody reads it)
    """A statement that may have changed what the reports count.

    The rows that a session sees identify the state of the data that it sees: two sessions that see the same rows see
    the same data. Each statement adds a row of its own, so that writers do not wait for each other.
    """

    change_id = models.UUIDField(
        primary_key=True,
        db_default=RandomUUID(),
        editable=False,
        db_comment="Random, so that each state is unique",
    )

    class Meta:
        db_table = "report_changes"
        db_table_comment = "Statements that changed data of the reports; cached counts are valid until the next one"
        default_permissions = ()


class _Changing:
    """The Meta of a proxy for each table that the reports use; the model itself knows nothing of reports."""

    proxy = True
    default_permissions = ()
    triggers = [
        pgtrigger.Trigger(
            name="reports_changed",
            level=pgtrigger.Statement,
            when=pgtrigger.After,
            operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete | pgtrigger.Truncate,
            func="INSERT INTO report_changes DEFAULT VALUES; RETURN NULL;",
        )
    ]


class ReportedRecord(MedicalRecord):
    class Meta(_Changing): ...


class ReportedLink(MedicalRecordTracker):
    class Meta(_Changing): ...


class ReportedModel(TrackerModel):
    class Meta(_Changing): ...


class ReportedVariant(FitnessTracker):
    class Meta(_Changing): ...


class ReportedAlias(TrackerAlias):
    class Meta(_Changing): ...


class ReportedMissingModel(MissingModel):
    class Meta(_Changing): ...


class SavedView(models.Model):
    """A report or the list of records, with its filters, saved under a name."""

    view_id = models.BigAutoField(primary_key=True, db_comment="Number of the view")
    name = models.CharField(max_length=100, db_comment="Name that its owner gave it")
    page = models.CharField(max_length=100, editable=False, db_comment="Name of the page, such as reports:brands")
    query = models.CharField(
        max_length=1000,
        blank=True,
        default="",
        editable=False,
        db_comment="Query string of the address, with the filters",
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        editable=False,
        db_comment="Who saved it",
    )
    is_shared = models.BooleanField(
        "share with everyone who can open the page",
        default=False,
        db_default=False,
        db_comment="Whether it is shown to everyone who may open its page",
    )

    class Meta:
        db_table = "saved_views"
        db_table_comment = "Reports and lists of records that people saved under a name, with their filters"
        ordering = [Lower("name"), "view_id"]
        default_permissions = ()
        permissions = [("share_savedview", "Can share saved views with everyone")]
        constraints = [
            not_blank("saved_views", "name"),
            UniqueConstraint("owner", Lower("name"), name="saved_views_owner_name_unique"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def address(self) -> str:
        return f"{reverse(self.page)}?{self.query}" if self.query else reverse(self.page)


class DismissedTask(models.Model):  # noqa: DJ008 (nobody reads it)
    """A task on Home that a person dismissed. They see it again when its facts are different ones."""

    dismissed_id = models.BigAutoField(primary_key=True, db_comment="Number of the row")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,  # the unique constraint begins with it
        db_comment="Who dismissed it",
    )
    key = models.CharField(max_length=MAX_KEY_LENGTH, db_comment="Key of the task, such as names-unmatched")
    facts = models.CharField(max_length=MAX_FACTS_LENGTH, db_comment="Facts of the task when it was dismissed")

    class Meta:
        db_table = "dismissed_tasks"
        db_table_comment = "Tasks on Home that people dismissed; each returns when its facts are different ones"
        default_permissions = ()
        constraints = [
            UniqueConstraint(
                fields=["person", "key"],
                name="dismissed_tasks_person_key_unique",
                violation_error_message="You have dismissed this task already.",
            )
        ]


class TrackedPatients(models.Model):
    """How many patients had a tracker on a day. The history does not have it: of imported links it has the run only."""

    day = models.DateField(primary_key=True, db_comment="Day on which they were counted")
    patients = models.BigIntegerField(db_comment="Patients who were linked to a tracker model")

    class Meta:
        db_table = "tracked_patients"
        db_table_comment = "Number of patients with a tracker by day; the worker counts them each night"
        default_permissions = ()

    def __str__(self) -> str:
        return f"Patients with a tracker on {self.day}"
