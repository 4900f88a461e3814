"""The table from which reports read the numbers of patients."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import CheckConstraint, Q


class PatientCount(models.Model):
    """A difference in the number of patients with the same conditions or reported tracker, and the same models.

    Triggers add these rows, so only sums mean something: `patients.patient_counts` reads them. By reported tracker,
    patients without a link count, and patients whom imports linked to several models.
    """

    class What(models.TextChoices):
        CONDITIONS = "conditions", "Conditions"
        TRACKER = "tracker", "Reported tracker"

    count_id = models.BigAutoField(primary_key=True, db_comment="Number of the row")
    what = models.CharField(
        max_length=10, choices=What, db_comment="What the label is: conditions or tracker, as the records have them"
    )
    label = models.CharField(max_length=4000, db_comment="The conditions, or the reported tracker; empty if none")
    model_ids = ArrayField(
        models.IntegerField(), db_comment="Sorted numbers of the models; by tracker, only those that imports linked"
    )
    patients = models.IntegerField(db_comment="How many patients more, or fewer if negative")

    class Meta:
        db_table = "patient_counts"
        db_table_comment = "Differences in numbers of patients, for reports; sums of them are the numbers"
        default_permissions = ()
        constraints = [
            CheckConstraint(
                name="patient_counts_what_known",
                condition=Q(what__in=["conditions", "tracker"]),
            )
        ]

    def __str__(self) -> str:
        return f"{self.label}: {self.patients:+d}"
