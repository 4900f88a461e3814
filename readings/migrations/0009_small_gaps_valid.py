from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("readings", "0008_small_gaps"),
    ]

    operations = [
        ValidateConstraint("contribution", "reading_contributions_arrays_or_marker"),
        ValidateConstraint("readingday", "reading_days_arrays_fit"),
    ]
