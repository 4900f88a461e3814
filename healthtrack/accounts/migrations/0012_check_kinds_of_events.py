from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    """A migration of its own, so that nobody waits while the rows are read."""

    dependencies = [
        ("signin", "0011_sign_in_links"),
    ]

    operations = [
        ValidateConstraint(model_name="signinevent", name="sign_in_events_kind_known"),
    ]
