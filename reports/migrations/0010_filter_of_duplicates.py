from django.db import migrations

# Addresses that people stored elsewhere are redirected.
RENAME = r"""
    UPDATE saved_views SET query = regexp_replace(query, '(^|&)twins=', '\1duplicates=') WHERE query ~ '(^|&)twins='
"""
RENAME_BACK = r"""
    UPDATE saved_views SET query = regexp_replace(query, '(^|&)duplicates=', '\1twins=')
     WHERE query ~ '(^|&)duplicates='
"""


class Migration(migrations.Migration):
    dependencies = [
        ("reports", "0009_tracked_patients"),
    ]

    operations = [
        migrations.RunSQL(RENAME, RENAME_BACK),
    ]
