import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("patients", "0014_bulk_delete_permission"),
    ]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="formernumber",
            trigger=pgtrigger.compiler.Trigger(
                name="made_by_run_never_changes",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."made_by_run" IS DISTINCT FROM (NEW."made_by_run"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="30abe9fce0ea007a73cfc75321a06b8027fcf37a",
                    operation="UPDATE",
                    pgid="pgtrigger_made_by_run_never_changes_80308",
                    table="former_patient_numbers",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="medicalrecord",
            trigger=pgtrigger.compiler.Trigger(
                name="made_by_run_never_changes",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."made_by_run" IS DISTINCT FROM (NEW."made_by_run"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="5536e04b4d2eb07359cbe314fd9ce519815b686f",
                    operation="UPDATE",
                    pgid="pgtrigger_made_by_run_never_changes_89bf8",
                    table="medical_records",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="medicalrecordtracker",
            trigger=pgtrigger.compiler.Trigger(
                name="made_by_run_never_changes",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."made_by_run" IS DISTINCT FROM (NEW."made_by_run"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="40b6af6ccfc7675ed92a4827114a3721d0321318",
                    operation="UPDATE",
                    pgid="pgtrigger_made_by_run_never_changes_face6",
                    table="medical_record_and_trackers",
                    when="BEFORE",
                ),
            ),
        ),
    ]
