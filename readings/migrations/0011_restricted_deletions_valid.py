from django.db import migrations

_VALIDATE = "ALTER TABLE {0} VALIDATE CONSTRAINT {0}_patient"


class Migration(migrations.Migration):
    dependencies = [
        ("readings", "0010_restrict_deletions"),
    ]

    operations = [
        migrations.RunSQL(_VALIDATE.format(table), migrations.RunSQL.noop)
        for table in ("reading_consents", "device_assignments")
    ]
