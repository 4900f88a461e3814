from django.db import migrations

# It exists already if the backup of an earlier version was restored.
CREATE = """
    CREATE SCHEMA IF NOT EXISTS imports;
    COMMENT ON SCHEMA imports IS 'Rows and errors of the files of import runs until they end; HealthTrack makes the tables';
"""


class Migration(migrations.Migration):
    dependencies = [
        ("imports", "0007_plain_english"),
    ]

    operations = [
        migrations.RunSQL(CREATE, "DROP SCHEMA imports"),
    ]
