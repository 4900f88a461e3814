import django.db.models.functions.text
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # nobody waits for the indexes of a big table: they are built beside the work

    dependencies = [
        ("patients", "0007_history"),
    ]

    operations = [
        RemoveIndexConcurrently(
            model_name="medicalrecord",
            name="medical_records_name_birth",
        ),
        AddIndexConcurrently(
            model_name="medicalrecord",
            index=models.Index(
                django.db.models.functions.text.Lower("name"),
                models.F("date_of_birth"),
                include=("name", "patient_id"),
                name="medical_records_name_birth",
            ),
        ),
    ]
