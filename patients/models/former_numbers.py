"""The numbers of records that were merged into others."""

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import UniqueConstraint

from healthtrack.audit.triggers import history, made_by_run
from healthtrack.core.database.constraints import not_blank
from patients.models.records import PATIENT, MedicalRecord, PatientNumber


class FormerNumber(models.Model):
    """The number of a record that was merged into another one. Searches by it find the other one."""

    # Rows follow from merges and restored records: an undo does not take their changes for edits of the patient.
    is_derived: ClassVar[bool] = True

    former_id = models.AutoField(primary_key=True, db_comment="Number of the row")
    number = PatientNumber(
        "former patient number",
        max_length=50,
        db_collation="C",
        db_comment="The number of the record that was merged into another one",
    )
    patient = models.ForeignKey(
        MedicalRecord,
        on_delete=models.CASCADE,
        related_name="former_numbers",
        db_comment="The patient whose record it was merged into",
    )
    made_by_run = made_by_run()

    class Meta:
        db_table = "former_patient_numbers"
        db_table_comment = "Numbers of records that were merged into others"
        verbose_name = "former patient number"
        default_permissions = ()
        constraints = [
            not_blank("former_patient_numbers", "number"),
            UniqueConstraint(fields=["number"], name="former_patient_numbers_number"),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="made_by_run_never_changes", fields=["made_by_run"]),
            *history(PATIENT),
        ]

    def __str__(self) -> str:
        return self.number
