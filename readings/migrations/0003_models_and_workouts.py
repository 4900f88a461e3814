from django.db import migrations, models

METRIC = """
    INSERT INTO metrics (code, label, loinc, unit, kind, decimal_places, lowest, highest)
         VALUES ('workout', 'Workout', '', 'min', 'interval', 0, 0, 1440)
"""


class Migration(migrations.Migration):
    dependencies = [("readings", "0002_view")]

    operations = [
        migrations.AddField(
            model_name="readingstream",
            name="model",
            field=models.TextField(
                db_comment="The model of the device, in the words of the file; empty if it says none",
                db_default="",
                default="",
            ),
        ),
        migrations.RunSQL(METRIC, "DELETE FROM metrics WHERE code = 'workout'"),
    ]
