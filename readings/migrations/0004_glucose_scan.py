from django.db import migrations

METRIC = """
    INSERT INTO metrics (code, label, loinc, unit, kind, decimal_places, lowest, highest)
         VALUES ('glucose_scan', 'Glucose (scan)', '', 'mg/dL', 'instant', 0, 20, 600)
"""


class Migration(migrations.Migration):
    dependencies = [("readings", "0003_models_and_workouts")]

    operations = [migrations.RunSQL(METRIC, "DELETE FROM metrics WHERE code = 'glucose_scan'")]
