from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # nobody waits for the indexes of a big table: they are built beside the work
    dependencies = [
        ("readings", "0005_device_assignments"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="streamdevice",
            options={
                "default_permissions": (),
                "permissions": [("decide_streamdevice", "Can decide which device readings came from")],
            },
        ),
        AddIndexConcurrently(
            model_name="readingstream",
            index=models.Index(models.F("stream_id"), name="reading_streams_number"),
        ),
        AddIndexConcurrently(
            model_name="streamdevice",
            index=models.Index(
                models.F("patient_id"),
                models.F("stream_id"),
                condition=models.Q(("decision", "open")),
                name="stream_devices_open",
            ),
        ),
        AddIndexConcurrently(
            model_name="streamdevice",
            index=models.Index(
                models.F("patient_id"),
                models.F("stream_id"),
                condition=models.Q(("decision", "person")),
                name="stream_devices_decided",
            ),
        ),
    ]
