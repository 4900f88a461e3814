import django.contrib.postgres.fields
from django.db import migrations, models


# Written out, because AlterField would also set each column's type again: with a lock, and impossible under a view.
COMMENTS = """
    COMMENT ON COLUMN medical_records.allergies IS 'Allergies, comma-separated; empty if none';
    COMMENT ON COLUMN medical_records.date_of_birth IS 'Date of birth';
    COMMENT ON COLUMN medical_records.last_appointment_date IS 'Date of the last appointment, null if there was none';
    COMMENT ON COLUMN medical_records.link_count IS 'Number of tracker models linked to the patient, maintained by triggers';
    COMMENT ON COLUMN medical_records.medical_conditions IS 'Conditions, comma-separated; empty if none';
    COMMENT ON COLUMN medical_records.tracker IS 'The tracker in the patient''s own words; empty if none';
    COMMENT ON COLUMN medical_records.unlinked_model_ids IS 'Tracker models that staff unlinked; not linked again until the reported tracker changes';
    COMMENT ON COLUMN medical_record_and_trackers.source IS 'Who made the link: import (by the reported tracker) or staff (by hand)';
    COMMENT ON FUNCTION name_words(text) IS 'The words of a name, without accents and in lower case; split at hyphens and apostrophes, and also joined';
    COMMENT ON FUNCTION name_prefixes(text) IS 'A search for names with a word that starts with each of these words';
"""


class Migration(migrations.Migration):
    dependencies = [
        ("patients", "0010_quicker_inserts"),
        ("trackers", "0005_plain_english"),
    ]

    operations = [
        migrations.AlterModelTableComment(
            name="medicalrecord",
            table_comment="Medical records, one per patient: person, health and reported tracker",
        ),
        migrations.AlterConstraint(
            model_name="medicalrecord",
            name="medical_records_gender_known",
            constraint=models.CheckConstraint(
                condition=models.Q(("gender__in", ["F", "M"])),
                name="medical_records_gender_known",
                violation_error_message="The gender must be F or M.",
            ),
        ),
        migrations.AlterConstraint(
            model_name="medicalrecord",
            name="medical_records_born_before_appointment",
            constraint=models.CheckConstraint(
                condition=models.Q(("last_appointment_date__gte", models.F("date_of_birth"))),
                name="medical_records_born_before_appointment",
                violation_error_message="The last appointment is before the date of birth.",
            ),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(COMMENTS, migrations.RunSQL.noop)],
            state_operations=[
                migrations.AlterField(
                    model_name="medicalrecord",
                    name="allergies",
                    field=models.CharField(
                        blank=True,
                        db_comment="Allergies, comma-separated; empty if none",
                        db_default="",
                        default="",
                        max_length=500,
                    ),
                ),
                migrations.AlterField(
                    model_name="medicalrecord",
                    name="date_of_birth",
                    field=models.DateField(db_comment="Date of birth"),
                ),
                migrations.AlterField(
                    model_name="medicalrecord",
                    name="last_appointment_date",
                    field=models.DateField(
                        blank=True, db_comment="Date of the last appointment, null if there was none", null=True
                    ),
                ),
                migrations.AlterField(
                    model_name="medicalrecord",
                    name="link_count",
                    field=models.PositiveSmallIntegerField(
                        db_comment="Number of tracker models linked to the patient, maintained by triggers",
                        db_default=0,
                        default=0,
                        editable=False,
                    ),
                ),
                migrations.AlterField(
                    model_name="medicalrecord",
                    name="medical_conditions",
                    field=models.CharField(
                        blank=True,
                        db_comment="Conditions, comma-separated; empty if none",
                        db_default="",
                        default="",
                        max_length=500,
                    ),
                ),
                migrations.AlterField(
                    model_name="medicalrecord",
                    name="tracker",
                    field=models.CharField(
                        blank=True,
                        db_comment="The tracker in the patient's own words; empty if none",
                        db_default="",
                        default="",
                        max_length=300,
                        verbose_name="reported tracker",
                    ),
                ),
                migrations.AlterField(
                    model_name="medicalrecord",
                    name="unlinked_model_ids",
                    field=django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(),
                        db_comment="Tracker models that staff unlinked; not linked again until the reported tracker changes",
                        db_default=[],
                        default=list,
                        editable=False,
                        size=None,
                        verbose_name="models unlinked by hand",
                    ),
                ),
                migrations.AlterField(
                    model_name="medicalrecordtracker",
                    name="source",
                    field=models.CharField(
                        choices=[("import", "Import"), ("staff", "Staff")],
                        db_comment="Who made the link: import (by the reported tracker) or staff (by hand)",
                        db_default="staff",
                        default="staff",
                        max_length=6,
                    ),
                ),
            ],
        ),
    ]
