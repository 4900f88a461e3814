"""Who saw which patients."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Index
from django.db.models.functions import Now

from healthtrack.core.append_only import AppendOnly


class Access(models.Model):
    """What one request let a person see of patients.

    The table has a partition a month, so that old months go at once. With it the patients' numbers stand in an array:
    beside a row for each patient, a list of fifty took two thirds of the time to write, and a third of the room.
    """

    access_id = models.BigAutoField(primary_key=True, db_comment="Number of the access")
    seen_at = models.DateTimeField("when", db_default=Now(), db_comment="Moment at which the page was made")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_constraint=False,  # a check of each row would cost as much as the row
        db_index=False,
        db_comment="Who saw it, null when nobody was signed in",
    )
    page = models.CharField(max_length=100, db_comment="Which page it was, such as reports:without-tracker")
    patient_ids = ArrayField(
        models.CharField(max_length=50, db_collation="C"),
        default=list,
        db_comment="The patients shown; empty for a file, which is described by rows or run_id",
    )
    run_id = models.BigIntegerField(null=True, db_comment="The import run whose rows were shown, null for none")
    file_rows = models.BigIntegerField(
        null=True, db_comment="Rows of the file that was taken out, null when it was a page"
    )
    asked = ArrayField(
        models.CharField(max_length=50),
        default=list,
        db_comment="What the rows were narrowed by, the kinds of filters alone and no words",
    )
    client_address = models.GenericIPAddressField(
        "address", null=True, db_comment="Network address from which the person asked, null when none is known"
    )
    request = models.CharField(max_length=32, db_comment="Reference of the request, as in the log")

    class Meta:
        db_table = "access_log"
        db_table_comment = "Who saw which patients, a row a page or file; parted by month, rows are only added"
        verbose_name = "access"
        verbose_name_plural = "accesses"
        ordering = ["-seen_at", "-access_id"]
        default_permissions = ("view",)
        indexes = [
            GinIndex("patient_ids", name="access_log_patients"),
            Index("person", F("seen_at").desc(), name="access_log_person"),
            Index(F("seen_at").desc(), name="access_log_seen_at"),
        ]
        triggers = [AppendOnly()]

    def __str__(self) -> str:
        return f"Access {self.access_id}"
