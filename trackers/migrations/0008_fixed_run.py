import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("trackers", "0007_history_with_rights_of_the_owner"),
    ]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="fitnesstracker",
            trigger=pgtrigger.compiler.Trigger(
                name="made_by_run_never_changes",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."made_by_run" IS DISTINCT FROM (NEW."made_by_run"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="9c7e90404b621c6c370ebba9a01ea34df45d1053",
                    operation="UPDATE",
                    pgid="pgtrigger_made_by_run_never_changes_d20f5",
                    table="fitness_trackers",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="trackermodel",
            trigger=pgtrigger.compiler.Trigger(
                name="made_by_run_never_changes",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."made_by_run" IS DISTINCT FROM (NEW."made_by_run"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="6f77cb0a3099d6d7c0be9b40a0c4194d50fc9088",
                    operation="UPDATE",
                    pgid="pgtrigger_made_by_run_never_changes_c40a7",
                    table="tracker_models",
                    when="BEFORE",
                ),
            ),
        ),
    ]
