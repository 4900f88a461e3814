from django.conf import settings
from django.db import connection, models
from django.db.models import CheckConstraint, Index, Q
from django.db.models.functions import Now

from healthtrack.audit.access_log import Access
from healthtrack.core.append_only import AppendOnly

__all__ = ["Access", "Action", "Change"]


class Action(models.TextChoices):
    INSERT = "insert", "Added"
    UPDATE = "update", "Changed"
    DELETE = "delete", "Removed"
    TRUNCATE = "truncate", "Emptied"


class Change(models.Model):
    """What became of one row by one statement; triggers write it, and nobody rewrites it."""

    change_id = models.BigAutoField(primary_key=True, db_comment="Number of the change")
    changed_at = models.DateTimeField("when", db_default=Now(), db_comment="Moment at which the statement began")
    table_name = models.CharField(max_length=63, db_comment="The table that the row stands in")
    action = models.CharField(
        max_length=8, choices=Action, db_comment="What was done with the row, or with all of them: truncate"
    )
    patient_id = models.CharField(  # noqa: DJ001 (so that an index can leave out what concerns no patient)
        max_length=50, null=True, db_collation="C", db_comment="The patient concerned, null when it is none"
    )
    model_id = models.IntegerField(null=True, db_comment="The tracker model concerned, null when it is none")
    row_id = models.IntegerField(
        null=True, db_comment="The row's own number, null where patient and tracker model name it"
    )
    fields = models.JSONField(
        default=dict, db_comment="The changed columns, each with its old and its new value in an array"
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,  # a check of each row would cost more than the row
        db_index=False,
        db_comment="Who did it, null when nobody was signed in",
    )
    run_id = models.BigIntegerField(null=True, db_comment="The import run that did it, null when none did")
    request = models.CharField(
        max_length=32, blank=True, db_comment="Reference of the request that did it, empty when none did"
    )
    database_role = models.CharField(max_length=63, db_comment="Who was signed in at the database")

    class Meta:
        db_table = "changes"
        db_table_comment = (
            "What became of the rows of patients, links, trackers and settled names: only ever added to."
            " What an import inserted has no row here: made_by_run stands at the inserted row"
        )
        ordering = ["-changed_at", "-change_id"]
        default_permissions = ("view",)
        constraints = [CheckConstraint(name="changes_action_known", condition=Q(action__in=Action.values))]
        indexes = [
            Index("changed_at", "change_id", name="changes_latest"),
            Index("person", "changed_at", "change_id", name="changes_of_person"),
            Index("run_id", "changed_at", "change_id", name="changes_of_run"),
            Index("patient_id", "changed_at", name="changes_of_patient", condition=Q(patient_id__isnull=False)),
            Index("model_id", "changed_at", name="changes_of_model", condition=Q(patient_id=None)),
        ]
        triggers = [AppendOnly()]

    def __str__(self) -> str:
        return f"Change {self.change_id}"


def next_change() -> int:
    """A number between those of the changes before and after this moment."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('changes', 'change_id'))")
        return int(cursor.fetchone()[0])
