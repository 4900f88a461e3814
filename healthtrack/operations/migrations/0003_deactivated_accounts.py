"""Call accounts active or deactivated, and not open or closed, in the comments of columns."""

from django.db import migrations, models

COMMENTS = """
    COMMENT ON COLUMN restores.accounts IS 'Accounts in it, deactivated ones included';
    COMMENT ON COLUMN restores.role_holders IS 'How many active accounts have each role';
    COMMENT ON COLUMN restores.superusers IS 'Active accounts with superuser status';
"""


class Migration(migrations.Migration):
    dependencies = [
        ("operations", "0002_system_status"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(COMMENTS, migrations.RunSQL.noop)],
            state_operations=[
                migrations.AlterField(
                    model_name="restore",
                    name="accounts",
                    field=models.IntegerField(db_comment="Accounts in it, deactivated ones included"),
                ),
                migrations.AlterField(
                    model_name="restore",
                    name="role_holders",
                    field=models.JSONField(db_comment="How many active accounts have each role", verbose_name="roles"),
                ),
                migrations.AlterField(
                    model_name="restore",
                    name="superusers",
                    field=models.IntegerField(db_comment="Active accounts with superuser status"),
                ),
            ],
        ),
    ]
