from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    RemoveIndexConcurrently,
    ValidateConstraint,
)
from django.db import migrations, models
from django.db.models import CheckConstraint, Q
from django.db.models.functions import Length
from django.db.models.lookups import LessThanOrEqual

from patients.expressions import Terms

_GENDERS = CheckConstraint(
    name="medical_records_gender_known",
    condition=Q(gender__in=["F", "M", "O", "U"]),
    violation_error_message="The gender must be F, M, O or U.",
)
# One statement, so that no row escapes both the old condition and the new one.
_REPLACE = """
ALTER TABLE "medical_records" DROP CONSTRAINT "medical_records_gender_known",
    ADD CONSTRAINT "medical_records_gender_known" CHECK ("gender" IN ({})) NOT VALID
"""
_COMMENT = 'COMMENT ON COLUMN "medical_records"."gender" IS \'{}\''


def _make_terms_index(name: str) -> GinIndex:
    condition = {"conditions": ~Q(medical_conditions=""), "allergies": ~Q(allergies="")}[name]
    column = {"conditions": "medical_conditions", "allergies": "allergies"}[name]
    return GinIndex(Terms(column), name=f"medical_records_{name}", condition=condition)


def _has_short_terms(column: str) -> Q:
    return Q(LessThanOrEqual(Length(column), 500)) | ~Q(**{f"{column}__regex": "[^,]{250}[^,]{251}"})


class Migration(migrations.Migration):
    # Nobody waits for a big table. To widen a column, PostgreSQL changes its catalogue only, unless an index has an
    # expression over the column: it would be built again under a lock. So these indexes are built beside the work.
    atomic = False

    dependencies = [
        ("patients", "0018_fill_patient_counts"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL(_REPLACE.format("'F', 'M', 'O', 'U'"), _REPLACE.format("'F', 'M'"))],
            [
                migrations.RemoveConstraint("medicalrecord", "medical_records_gender_known"),
                migrations.AddConstraint("medicalrecord", _GENDERS),
            ],
        ),
        ValidateConstraint("medicalrecord", "medical_records_gender_known"),
        # Django would set the type of the column too, and PostgreSQL would check all rows again under a lock.
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL(_COMMENT.format("F, M, O (other) or U (unknown)"), _COMMENT.format("F or M"))],
            [
                migrations.AlterField(
                    model_name="medicalrecord",
                    name="gender",
                    field=models.CharField(
                        choices=[("F", "Female"), ("M", "Male"), ("O", "Other"), ("U", "Unknown")],
                        db_comment="F, M, O (other) or U (unknown)",
                        max_length=1,
                    ),
                )
            ],
        ),
        RemoveIndexConcurrently("medicalrecord", "medical_records_conditions"),
        migrations.AlterField(
            model_name="medicalrecord",
            name="medical_conditions",
            field=models.CharField(
                blank=True,
                db_comment="Conditions, comma-separated; empty if none",
                db_default="",
                default="",
                max_length=4000,
            ),
        ),
        AddIndexConcurrently("medicalrecord", _make_terms_index("conditions")),
        RemoveIndexConcurrently("medicalrecord", "medical_records_allergies"),
        migrations.AlterField(
            model_name="medicalrecord",
            name="allergies",
            field=models.CharField(
                blank=True,
                db_comment="Allergies, comma-separated; empty if none",
                db_default="",
                default="",
                max_length=4000,
            ),
        ),
        AddIndexConcurrently("medicalrecord", _make_terms_index("allergies")),
        migrations.AlterField(
            model_name="patientcount",
            name="label",
            field=models.CharField(
                db_comment="The conditions, or the reported tracker; empty if none", max_length=4000
            ),
        ),
        AddConstraintNotValid(
            model_name="medicalrecord",
            constraint=CheckConstraint(
                name="medical_records_conditions_short",
                condition=_has_short_terms("medical_conditions"),
                violation_error_message="A condition is longer than 500 characters.",
            ),
        ),
        ValidateConstraint("medicalrecord", "medical_records_conditions_short"),
        AddConstraintNotValid(
            model_name="medicalrecord",
            constraint=CheckConstraint(
                name="medical_records_allergies_short",
                condition=_has_short_terms("allergies"),
                violation_error_message="An allergy is longer than 500 characters.",
            ),
        ),
        ValidateConstraint("medicalrecord", "medical_records_allergies_short"),
    ]
