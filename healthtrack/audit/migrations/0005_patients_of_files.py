import django.contrib.postgres.fields
from django.db import migrations, models

COMMENT = """
    COMMENT ON COLUMN access_log.patient_ids IS 'Numbers of the patients shown; of a part of a file, beginnings of its numbers';
"""


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0004_plain_english"),
    ]

    operations = [
        migrations.AddField(
            model_name="access",
            name="file_patients",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.TextField(db_collation="C"),
                db_comment="Numbers of the patients in a part of an exported file; null for pages and for the file as a whole",
                null=True,
                size=None,
            ),
        ),
        # Only the comment changes. Django would also set the type of the column again, which locks the table.
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(COMMENT, migrations.RunSQL.noop)],
            state_operations=[
                migrations.AlterField(
                    model_name="access",
                    name="patient_ids",
                    field=django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(db_collation="C", max_length=50),
                        db_comment="Numbers of the patients shown; of a part of a file, beginnings of its numbers",
                        default=list,
                        size=None,
                    ),
                ),
            ],
        ),
    ]
