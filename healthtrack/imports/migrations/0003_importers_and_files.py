import django.db.models.deletion
from django.db import migrations, models

STATES = ["checking", "questions", "checked", "applying", "applied", "refused", "failed", "cancelled", "expired"]
LABELS = {"questions": "Needs answers", "applying": "Importing", "applied": "Imported"}
REASONS = [
    ("", "None"),
    ("not_a_table", "Not A Table"),
    ("no_valid_row", "No Valid Row"),
    ("unreadable", "Unreadable"),
    ("some_invalid", "Some Invalid"),
    ("needs_answers", "Needs Answers"),
    ("collision", "Collision"),
    ("interrupted", "Interrupted"),
    ("dry_run", "Dry Run"),
    ("expired", "Expired"),
    ("already_undone", "Already Undone"),
    ("file_gone", "File Gone"),
    ("database_lost", "Database Lost"),
    ("program_error", "Program Error"),
    ("worker_ended", "Worker Ended"),
    ("legacy", "Legacy"),
]
RENAMED = [
    ("kind", "importer"),
    ("rows_done", "items_done"),
    ("rows_total", "items_total"),
    ("cancel_asked", "cancel_requested"),
    ("without_faulty", "without_invalid"),
    ("rows_read", "read_count"),
    ("rows_faulty", "invalid_count"),
    ("faults", "error_count"),
    ("reason", "old_reason"),
]


class Migration(migrations.Migration):
    """New columns and the table of files; what the old columns hold is taken over by the next migrations."""

    dependencies = [("imports", "0002_undo")]

    operations = [
        migrations.RemoveConstraint("importrun", "import_runs_state_known"),
        migrations.RemoveConstraint("importrun", "import_runs_finished_when_ended"),
        migrations.RemoveIndex("importrun", "import_runs_same_file"),
        *(migrations.RenameField("importrun", old, new) for old, new in RENAMED),
        migrations.AddField(
            "importrun",
            "kind",
            models.CharField(
                max_length=6,
                choices=[("import", "Import"), ("undo", "Undo")],
                default="import",
                db_comment="Whether it imports files, or undoes another run",
            ),
        ),
        migrations.AddField(
            "importrun",
            "plan",
            models.JSONField(null=True, db_comment="How the files are to be read, null until that is found out"),
        ),
        migrations.AddField(
            "importrun",
            "answers",
            models.JSONField(default=dict, db_comment="The answers to the plan's questions, by the question's name"),
        ),
        migrations.AddField(
            "importrun",
            "affected_count",
            models.BigIntegerField(default=0, db_comment="Stored rows that it adds, changes or removes"),
        ),
        migrations.AddField(
            "importrun",
            "result",
            models.JSONField(default=dict, db_comment="What it found or did, in the importer's own terms"),
        ),
        migrations.AddField(
            "importrun",
            "reason",
            models.CharField(
                max_length=40,
                choices=REASONS,
                blank=True,
                default="",
                db_comment="Why it ended without importing, a code",
            ),
        ),
        migrations.AddField(
            "importrun",
            "reason_params",
            models.JSONField(default=dict, db_comment="What the sentence of the reason names"),
        ),
        migrations.AddField(
            "undoconflict",
            "reason_params",
            models.JSONField(
                db_default=models.Value({}, models.JSONField()), db_comment="What the sentence of the reason names"
            ),
        ),
        migrations.AlterField(
            "importrun",
            "state",
            models.CharField(
                max_length=9,
                choices=[(state, LABELS.get(state, state.capitalize())) for state in STATES],
                default="checking",
                db_comment="How far the run has come",
            ),
        ),
        migrations.CreateModel(
            name="ImportFile",
            fields=[
                ("file_id", models.BigAutoField(primary_key=True, serialize=False, db_comment="Number of the file")),
                ("position", models.IntegerField(db_comment="Its place among the files of the run, from 1")),
                ("name", models.CharField(max_length=255, db_comment="The name that it had at its owner's")),
                ("size", models.BigIntegerField(db_comment="Size in bytes")),
                ("sha256", models.CharField(max_length=64, db_comment="SHA-256 in hexadecimal digits")),
                (
                    "upload",
                    models.CharField(
                        max_length=32,
                        blank=True,
                        default="",
                        db_comment="Random name of the stored upload, empty when none is stored",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        "imports.importrun",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="files",
                        db_index=False,
                        db_comment="The run that reads it",
                    ),
                ),
            ],
            options={
                "db_table": "import_files",
                "db_table_comment": "Files of import runs",
                "ordering": ["run", "position"],
                "default_permissions": (),
                "indexes": [models.Index("sha256", name="import_files_same_file")],
                "constraints": [models.UniqueConstraint(fields=["run", "position"], name="import_files_position")],
            },
        ),
    ]
