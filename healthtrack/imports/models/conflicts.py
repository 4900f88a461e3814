"""The rows that undos left as they were."""

from django.db import models
from django.db.models import Value

from healthtrack.imports.models.runs import ImportRun


class UndoConflict(models.Model):  # noqa: DJ008 (its page names it)
    """A row that an undo left as it was, for somebody to review by hand."""

    conflict_id = models.BigAutoField(primary_key=True, db_comment="Number of the conflict")
    run = models.ForeignKey(
        ImportRun, on_delete=models.CASCADE, related_name="conflicts", db_comment="The undo that left the row as it was"
    )
    table_name = models.CharField(max_length=63, db_comment="The table of the row")
    patient_id = models.CharField(  # noqa: DJ001 (as in the history)
        max_length=50, null=True, db_comment="The patient; null if the row concerns none"
    )
    model_id = models.IntegerField(null=True, db_comment="The tracker model; null if the row concerns none")
    row_id = models.IntegerField(null=True, db_comment="The row's own number; null if another column identifies it")
    reason = models.CharField(max_length=100, db_comment="Why the row was left as it was, as a code")
    reason_params = models.JSONField(
        db_default=Value({}, models.JSONField()), db_comment="Values for the sentence of the reason"
    )

    class Meta:
        db_table = "undo_conflicts"
        db_table_comment = (
            "Rows that an undo of an import left as they were, mostly because somebody had changed them since"
        )
        ordering = ["conflict_id"]
        default_permissions = ()
