"""The table of the history. Those of the access log and of user names are beside what uses them."""

from django.conf import settings
from django.db import connection, models
from django.db.models import CheckConstraint, Index, Q
from django.db.models.functions import Now

from healthtrack.audit.access_log import Access
from healthtrack.audit.account_names import AccountName
from healthtrack.core.database.append_only import AppendOnly

__all__ = ["Access", "AccountName", "Action", "Change"]


class Action(models.TextChoices):
    INSERT = "insert", "Added"
    UPDATE = "update", "Changed"
    DELETE = "delete", "Removed"
    TRUNCATE = "truncate", "Emptied"


class Change(models.Model):
    """The change of one row by one statement. Triggers write it, and nothing can change it afterwards."""

    change_id = models.BigAutoField(primary_key=True, db_comment="Number of the change")
    changed_at = models.DateTimeField("when", db_default=Now(), db_comment="When the statement began")
    table_name = models.CharField(max_length=63, db_comment="Table of the changed row")
    action = models.CharField(
        max_length=8, choices=Action, db_comment="What was done with the row, or with all rows of the table: truncate"
    )
    patient_id = models.CharField(  # noqa: DJ001 (partial indexes leave out the nulls)
        max_length=50, null=True, db_collation="C", db_comment="Patient concerned, null if none"
    )
    model_id = models.IntegerField(null=True, db_comment="Tracker model concerned, null if none")
    row_id = models.IntegerField(
        null=True,
        db_comment="Number of the row, or of the account or role concerned; null if patient and model identify it",
    )
    row_name = models.CharField(  # noqa: DJ001 (most rows have none)
        max_length=150, null=True, db_comment="Name of the account or role concerned, at that time; null if none"
    )
    fields = models.JSONField(default=dict, db_comment="Changed columns, each with an array of its old and new value")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,  # checking it would cost more than writing the row
        db_index=False,
        db_comment="Who did it, null when nobody was signed in",
    )
    run_id = models.BigIntegerField(null=True, db_comment="Import run that did it, null if none")
    request = models.CharField(
        max_length=150, blank=True, db_comment="Id of the request, or name of the command, that did it; empty if none"
    )
    database_role = models.CharField(max_length=63, db_comment="Database role that did it")

    class Meta:
        db_table = "changes"
        db_table_comment = (
            "History: changes to records, links, trackers, resolved tracker names, accounts and roles; rows are only"
            " added. Rows that an import inserted are not listed here: they name the run in made_by_run"
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
            # How many rows a table had at any time. Updates, which are most of the changes, do not matter for that.
            Index(
                fields=["table_name", "changed_at"],
                include=["action"],
                name="changes_of_size",
                condition=~Q(action=Action.UPDATE),
            ),
        ]
        triggers = [AppendOnly(application_inserts=False)]

    def __str__(self) -> str:
        return f"Change {self.change_id}"


def reserve_change_id() -> int:
    """Return a number between the numbers of the changes before and after this moment."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('changes', 'change_id'))")
        return int(cursor.fetchone()[0])
