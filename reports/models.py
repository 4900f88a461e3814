import pgtrigger
from django.contrib.postgres.functions import RandomUUID
from django.db import models

from patients.models import MedicalRecord, MedicalRecordTracker
from trackers.models import FitnessTracker, TrackerAlias, TrackerModel


class Report(models.Model):  # noqa: DJ008 (there are no rows to name)
    """Holds the reports' permissions; it has no table."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = [
            ("view_aggregates", "Can see the reports of totals"),
            ("view_named_lists", "Can see the reports that name patients"),
        ]


class ReportChange(models.Model):  # noqa: DJ008 (nobody reads it)
    """That a statement may have changed what the reports say.

    The rows that a session sees tell which state of the tables it sees: two sessions that see the same rows see the
    same data. Each statement adds a row of its own, so that no writer waits for another.
    """

    change_id = models.UUIDField(
        primary_key=True, db_default=RandomUUID(), editable=False, db_comment="Random, so that no other state has it"
    )

    class Meta:
        db_table = "report_changes"
        db_table_comment = "Statements that changed what the reports are made of; kept answers hold until the next one"
        default_permissions = ()


class _Changing:
    """What the Meta of each table that the reports are made of declares, beside the model that knows no reports."""

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
