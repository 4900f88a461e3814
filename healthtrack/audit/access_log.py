"""The access log: who viewed or exported which patients."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Index
from django.db.models.functions import Now

from healthtrack.core.database.append_only import AppendOnly
from healthtrack.core.database.monthly_partitions import MonthlyPartitions


class Access(models.Model):
    """The patients whom one request showed to a person.

    The table has a partition for each month, so that old months can be dropped at once. All patients of a request are
    in one array: compared with a row for each patient, a list of fifty takes two thirds of the time to write and a
    third of the space. A file may have millions: it has a row without patients, written before the page returns, and a
    row for each few thousand patients, written before their rows are sent.
    """

    access_id = models.BigAutoField(primary_key=True, db_comment="Number of the access")
    seen_at = models.DateTimeField("when", db_default=Now(), db_comment="When the page was shown")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_constraint=False,  # checking it would cost as much as writing the row
        db_index=False,
        db_comment="Who viewed it, null when nobody was signed in",
    )
    page = models.CharField(max_length=100, db_comment="Name of the page, such as reports:without-tracker")
    patient_ids = ArrayField(
        models.CharField(max_length=50, db_collation="C"),
        default=list,
        db_comment="Numbers of the patients shown; of a part of a file, beginnings of its numbers",
    )
    run_id = models.BigIntegerField(null=True, db_comment="Import run whose rows were shown, null if none")
    file_rows = models.BigIntegerField(null=True, db_comment="Rows of the exported file, null for a page")
    filters = ArrayField(
        models.CharField(max_length=50),
        default=list,
        db_column="asked",
        db_comment="Names of the filters that were set, without their values",
    )
    client_address = models.GenericIPAddressField(
        "address", null=True, db_comment="Network address of the person, null if unknown"
    )
    request = models.CharField(max_length=32, db_comment="Request id, as in the log")

    file_patients = ArrayField(
        models.TextField(db_collation="C"),  # without a length, which would be checked for each
        null=True,
        db_comment="Numbers of the patients in a part of an exported file; null for pages and for the file as a whole",
    )

    partitions = MonthlyPartitions("access_log", "seen_at")

    class Meta:
        db_table = "access_log"
        db_table_comment = "Who viewed or exported which patients; partitioned by month, rows are only added"
        verbose_name = "access"
        verbose_name_plural = "accesses"
        ordering = ["-seen_at", "-access_id"]
        default_permissions = ("view",)
        indexes = [
            GinIndex("patient_ids", name="access_log_patients"),
            Index("person", F("seen_at").desc(), name="access_log_person"),
            Index(F("seen_at").desc(), name="access_log_seen_at"),
        ]
        triggers = [AppendOnly(application_inserts=False)]

    def __str__(self) -> str:
        return f"Access {self.access_id}"
