import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

STATES = ["checking", "questions", "checked", "applying", "applied", "refused", "failed", "cancelled", "expired"]
OPEN = ("checking", "applying", "questions", "checked")
ENDED = ("applied", "refused", "failed", "cancelled", "expired")
OLD = [
    *("file_name", "file_size", "file_sha256", "upload", "rows_merged", "linked", "unmatched", "ambiguous"),
    *("link_summary", "table_counts", "notices", "groups", "old_reason"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("imports", "0005_codes_for_conflicts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        *(migrations.RemoveField("importrun", name) for name in OLD),
        migrations.AlterModelTableComment(
            name="importrun",
            table_comment="Uploads that were imported or checked, and undos of imports",
        ),
        migrations.AlterField(
            model_name="importrun",
            name="error_count",
            field=models.BigIntegerField(db_comment="Errors found; an item may hold several", default=0),
        ),
        migrations.AlterField(
            model_name="importrun",
            name="finished_at",
            field=models.DateTimeField(
                db_comment="Moment at which the run ended, null while it is open", null=True, verbose_name="finished"
            ),
        ),
        migrations.AlterField(
            model_name="importrun",
            name="first_change",
            field=models.BigIntegerField(
                db_comment="Changes with a higher number were made after it, null when it has changed nothing yet",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="importrun",
            name="importer",
            field=models.CharField(
                db_comment="The registered importer that reads the files, such as patients.medicalrecord",
                max_length=100,
            ),
        ),
        migrations.AlterField(
            model_name="importrun",
            name="invalid_count",
            field=models.BigIntegerField(db_comment="Items that hold an error", default=0),
        ),
        migrations.AlterField(
            model_name="importrun",
            name="items_done",
            field=models.BigIntegerField(db_comment="Items, such as rows, that the stage has done", default=0),
        ),
        migrations.AlterField(
            model_name="importrun",
            name="items_total",
            field=models.BigIntegerField(db_comment="Items that the stage has to do, 0 when not known", default=0),
        ),
        migrations.AlterField(
            model_name="importrun",
            name="read_count",
            field=models.BigIntegerField(db_comment="Items, such as rows, that the files hold", default=0),
        ),
        migrations.AlterField(
            model_name="importrun",
            name="run_id",
            field=models.BigAutoField(db_comment="Number of the run", primary_key=True, serialize=False),
        ),
        migrations.AlterField(
            model_name="importrun",
            name="started_at",
            field=models.DateTimeField(
                db_comment="Moment of the upload or the request",
                db_default=django.db.models.functions.datetime.Now(),
                verbose_name="started",
            ),
        ),
        migrations.AlterField(
            model_name="importrun",
            name="started_by",
            field=models.ForeignKey(
                db_comment="Who uploaded the files or requested the undo, null for the command line",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="person",
            ),
        ),
        migrations.AlterField(
            model_name="importrun",
            name="undoes",
            field=models.ForeignKey(
                db_comment="The run that this one undoes, null when it imports files",
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="undos",
                to="imports.importrun",
            ),
        ),
        migrations.AlterField(
            model_name="importrun",
            name="without_invalid",
            field=models.BooleanField(
                db_comment="Whether a person chose to import the valid items without the invalid ones", default=False
            ),
        ),
        migrations.AlterField(
            model_name="importrun",
            name="work_began_at",
            field=models.DateTimeField(db_comment="Moment at which a worker claimed it", null=True),
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
                        ("state__in", ("applied", "refused", "failed", "cancelled", "expired")),
                    ),
                    _connector="OR",
                ),
                name="import_runs_finished_when_ended",
            ),
        ),
        migrations.AddConstraint(
            model_name="importrun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "undo"), ("undoes__isnull", False)),
                    models.Q(("kind", "import"), ("undoes", None)),
                    _connector="OR",
                ),
                name="import_runs_undo_names_its_run",
            ),
        ),
    ]
