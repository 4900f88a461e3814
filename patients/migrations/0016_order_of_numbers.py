from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Length


class Migration(migrations.Migration):
    atomic = False  # nobody waits for the index of a big table: it is built beside the work

    dependencies = [
        ("patients", "0015_fixed_run"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="medicalrecord",
            index=models.Index(Length("patient_id"), models.F("patient_id"), name="medical_records_number"),
        ),
    ]
