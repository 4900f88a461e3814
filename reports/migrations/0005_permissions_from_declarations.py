from django.db import migrations


class Migration(migrations.Migration):
    """The permissions stay; from now on the reports declare theirs, and they are made after each migration."""

    dependencies = [("reports", "0004_a_permission_for_each_report")]

    operations = [
        migrations.AlterModelOptions(name="report", options={"default_permissions": (), "managed": False}),
    ]
