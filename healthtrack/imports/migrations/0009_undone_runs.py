from django.conf import settings
from django.db import migrations, models

# An undo that was undone itself does not count. Undos come after the runs that they undo.
MARK = """
    DO $$
    DECLARE undo record;
    BEGIN
        FOR undo IN SELECT run_id, undoes_id FROM import_runs WHERE kind = 'undo' AND state = 'applied'
                     ORDER BY run_id DESC LOOP
            UPDATE import_runs SET state = 'undone'
             WHERE run_id = undo.undoes_id
               AND EXISTS (SELECT FROM import_runs WHERE run_id = undo.run_id AND state = 'applied');
        END LOOP;
    END $$
"""
UNMARK = "UPDATE import_runs SET state = 'applied' WHERE state = 'undone'"


class Migration(migrations.Migration):
    dependencies = [
        ("imports", "0008_schema_of_all_runs"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(migrations.RunSQL.noop, UNMARK),
        migrations.RemoveConstraint(
            model_name="importrun",
            name="import_runs_state_known",
        ),
        migrations.RemoveConstraint(
            model_name="importrun",
            name="import_runs_finished_when_ended",
        ),
        migrations.AlterField(
            model_name="importrun",
            name="state",
            field=models.CharField(
                choices=[
                    ("checking", "Checking"),
                    ("questions", "Needs answers"),
                    ("checked", "Ready to import"),
                    ("applying", "Importing"),
                    ("applied", "Imported"),
                    ("undone", "Undone"),
                    ("refused", "Rejected"),
                    ("failed", "Failed"),
                    ("cancelled", "Cancelled"),
                    ("expired", "Expired"),
                ],
                db_comment="How far the run has come",
                default="checking",
                max_length=9,
            ),
        ),
        migrations.AddConstraint(
            model_name="importrun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        [
                            "checking",
                            "questions",
                            "checked",
                            "applying",
                            "applied",
                            "undone",
                            "refused",
                            "failed",
                            "cancelled",
                            "expired",
                        ],
                    )
                ),
                name="import_runs_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="importrun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("finished_at", None), ("state__in", ("checking", "applying", "questions", "checked"))),
                    models.Q(
                        ("finished_at__isnull", False),
                        ("state__in", ("applied", "undone", "refused", "failed", "cancelled", "expired")),
                    ),
                    _connector="OR",
                ),
                name="import_runs_finished_when_ended",
            ),
        ),
        migrations.RunSQL(MARK, migrations.RunSQL.noop),
    ]
