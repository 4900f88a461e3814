from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("patients", "0020_restrict_deletions"),
    ]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE former_patient_numbers VALIDATE CONSTRAINT former_patient_numbers_patient",
            migrations.RunSQL.noop,
        ),
    ]
