import healthtrack.audit.trigger_sql
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


# The names of triggers depend on those of the models, so the triggers of both tables are made again.
class Migration(migrations.Migration):
    dependencies = [
        ("signin", "0013_mails_of_imports"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="takengroup",
            name="ends_sessions",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="takengroup",
            name="history_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="takengroup",
            name="history_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="takengroup",
            name="history_delete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="takengroup",
            name="history_truncate",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="takengroup",
            name="ends_sign_in_link",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="takenpermission",
            name="ends_sessions",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="takenpermission",
            name="history_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="takenpermission",
            name="history_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="takenpermission",
            name="history_delete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="takenpermission",
            name="history_truncate",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="takenpermission",
            name="ends_sign_in_link",
        ),
        migrations.RenameModel("TakenGroup", "RecordedUserGroup"),
        migrations.RenameModel("TakenPermission", "RecordedUserPermission"),
        pgtrigger.migrations.AddTrigger(
            model_name="recordedusergroup",
            trigger=pgtrigger.compiler.Trigger(
                name="ends_sessions",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="DELETE FROM sessions WHERE user_id = OLD.user_id; RETURN NULL;",
                    hash="43f434411a43f7679f979132c15f1b8efef357ba",
                    operation="DELETE",
                    pgid="pgtrigger_ends_sessions_6f731",
                    table="auth_user_groups",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="recordedusergroup",
            trigger=pgtrigger.compiler.Trigger(
                name="ends_sign_in_link",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="DELETE FROM sign_in_links WHERE account_id = NEW.user_id; RETURN NULL;",
                    hash="676a6d3c7fbe35f4d9b5432b3c856292a525c923",
                    operation="INSERT",
                    pgid="pgtrigger_ends_sign_in_link_882ca",
                    table="auth_user_groups",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="recordedusergroup",
            trigger=pgtrigger.compiler.Trigger(
                name="history_insert",
                sql=healthtrack.audit.trigger_sql.HistoryTriggerSql(
                    func="EXECUTE $history$ INSERT INTO changes (table_name, action, row_id, row_name, fields, person_id, run_id, request, database_role) SELECT 'auth_user_groups', 'insert', coalesce(new_values.user_id), (SELECT username FROM auth_user WHERE id = coalesce(new_values.user_id)), jsonb_strip_nulls(jsonb_build_object('group_id', CASE WHEN NULL IS DISTINCT FROM new_values.group_id THEN jsonb_build_array(NULL, coalesce((SELECT name FROM auth_group WHERE id = new_values.group_id), 'number ' || new_values.group_id)) END)), nullif(current_setting('healthtrack.person', true), '')::integer, nullif(current_setting('healthtrack.run', true), '')::bigint, coalesce(current_setting('healthtrack.request', true), ''), session_user FROM new_values $history$; RETURN NULL;",
                    hash="01c169c2f283fc1c9b92b476d9f82fee21357c3c",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_history_insert_65e31",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="auth_user_groups",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="recordedusergroup",
            trigger=pgtrigger.compiler.Trigger(
                name="history_update",
                sql=healthtrack.audit.trigger_sql.HistoryTriggerSql(
                    func="EXECUTE $history$ INSERT INTO changes (table_name, action, row_id, row_name, fields, person_id, run_id, request, database_role) SELECT 'auth_user_groups', CASE WHEN old_values.id IS NULL THEN 'insert' WHEN new_values.id IS NULL THEN 'delete' ELSE 'update' END, coalesce(new_values.user_id, old_values.user_id), (SELECT username FROM auth_user WHERE id = coalesce(new_values.user_id, old_values.user_id)), jsonb_strip_nulls(jsonb_build_object('group_id', CASE WHEN old_values.group_id IS DISTINCT FROM new_values.group_id THEN jsonb_build_array(coalesce((SELECT name FROM auth_group WHERE id = old_values.group_id), 'number ' || old_values.group_id), coalesce((SELECT name FROM auth_group WHERE id = new_values.group_id), 'number ' || new_values.group_id)) END)), nullif(current_setting('healthtrack.person', true), '')::integer, nullif(current_setting('healthtrack.run', true), '')::bigint, coalesce(current_setting('healthtrack.request', true), ''), session_user FROM old_values FULL JOIN new_values USING (id, user_id) WHERE ROW(old_values.group_id) IS DISTINCT FROM ROW(new_values.group_id) $history$; RETURN NULL;",
                    hash="b631792381f48585d40d29c5ed5ab73cc8aa74fa",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_history_update_da527",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="auth_user_groups",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="recordedusergroup",
            trigger=pgtrigger.compiler.Trigger(
                name="history_delete",
                sql=healthtrack.audit.trigger_sql.HistoryTriggerSql(
                    func="EXECUTE $history$ INSERT INTO changes (table_name, action, row_id, row_name, fields, person_id, run_id, request, database_role) SELECT 'auth_user_groups', 'delete', coalesce(old_values.user_id), (SELECT username FROM auth_user WHERE id = coalesce(old_values.user_id)), jsonb_strip_nulls(jsonb_build_object('group_id', CASE WHEN old_values.group_id IS DISTINCT FROM NULL THEN jsonb_build_array(coalesce((SELECT name FROM auth_group WHERE id = old_values.group_id), 'number ' || old_values.group_id), NULL) END)), nullif(current_setting('healthtrack.person', true), '')::integer, nullif(current_setting('healthtrack.run', true), '')::bigint, coalesce(current_setting('healthtrack.request', true), ''), session_user FROM old_values $history$; RETURN NULL;",
                    hash="da0d3ee2acb2ca8e59956fddc22aaecfab884f1d",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_history_delete_3ad9a",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="auth_user_groups",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="recordedusergroup",
            trigger=pgtrigger.compiler.Trigger(
                name="history_truncate",
                sql=healthtrack.audit.trigger_sql.HistoryTriggerSql(
                    func="INSERT INTO changes (table_name, action, fields, person_id, run_id, request, database_role) VALUES (TG_TABLE_NAME, 'truncate', '{}', nullif(current_setting('healthtrack.person', true), '')::integer, nullif(current_setting('healthtrack.run', true), '')::bigint, coalesce(current_setting('healthtrack.request', true), ''), session_user); RETURN NULL;",
                    hash="ae88e7c6f6ca4dca06d6ccea2721e8eeeed67286",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_history_truncate_e90f1",
                    table="auth_user_groups",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="recordeduserpermission",
            trigger=pgtrigger.compiler.Trigger(
                name="ends_sessions",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="DELETE FROM sessions WHERE user_id = OLD.user_id; RETURN NULL;",
                    hash="5e5883a298830731f5228c77ba48489a63463219",
                    operation="DELETE",
                    pgid="pgtrigger_ends_sessions_f0b5f",
                    table="auth_user_user_permissions",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="recordeduserpermission",
            trigger=pgtrigger.compiler.Trigger(
                name="ends_sign_in_link",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="DELETE FROM sign_in_links WHERE account_id = NEW.user_id; RETURN NULL;",
                    hash="0623d2530b318e6e6a28d86857900fd9367f431a",
                    operation="INSERT",
                    pgid="pgtrigger_ends_sign_in_link_b2e3a",
                    table="auth_user_user_permissions",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="recordeduserpermission",
            trigger=pgtrigger.compiler.Trigger(
                name="history_insert",
                sql=healthtrack.audit.trigger_sql.HistoryTriggerSql(
                    func="EXECUTE $history$ INSERT INTO changes (table_name, action, row_id, row_name, fields, person_id, run_id, request, database_role) SELECT 'auth_user_user_permissions', 'insert', coalesce(new_values.user_id), (SELECT username FROM auth_user WHERE id = coalesce(new_values.user_id)), jsonb_strip_nulls(jsonb_build_object('permission_id', CASE WHEN NULL IS DISTINCT FROM new_values.permission_id THEN jsonb_build_array(NULL, coalesce((SELECT format('%s (%s.%s)', name, app_label, codename) FROM auth_permission JOIN django_content_type ON django_content_type.id = content_type_id WHERE auth_permission.id = new_values.permission_id), 'number ' || new_values.permission_id)) END)), nullif(current_setting('healthtrack.person', true), '')::integer, nullif(current_setting('healthtrack.run', true), '')::bigint, coalesce(current_setting('healthtrack.request', true), ''), session_user FROM new_values $history$; RETURN NULL;",
                    hash="6ba06a2ed32ce080c2f657e3a0ec0da407c53da9",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_history_insert_091e6",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="auth_user_user_permissions",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="recordeduserpermission",
            trigger=pgtrigger.compiler.Trigger(
                name="history_update",
                sql=healthtrack.audit.trigger_sql.HistoryTriggerSql(
                    func="EXECUTE $history$ INSERT INTO changes (table_name, action, row_id, row_name, fields, person_id, run_id, request, database_role) SELECT 'auth_user_user_permissions', CASE WHEN old_values.id IS NULL THEN 'insert' WHEN new_values.id IS NULL THEN 'delete' ELSE 'update' END, coalesce(new_values.user_id, old_values.user_id), (SELECT username FROM auth_user WHERE id = coalesce(new_values.user_id, old_values.user_id)), jsonb_strip_nulls(jsonb_build_object('permission_id', CASE WHEN old_values.permission_id IS DISTINCT FROM new_values.permission_id THEN jsonb_build_array(coalesce((SELECT format('%s (%s.%s)', name, app_label, codename) FROM auth_permission JOIN django_content_type ON django_content_type.id = content_type_id WHERE auth_permission.id = old_values.permission_id), 'number ' || old_values.permission_id), coalesce((SELECT format('%s (%s.%s)', name, app_label, codename) FROM auth_permission JOIN django_content_type ON django_content_type.id = content_type_id WHERE auth_permission.id = new_values.permission_id), 'number ' || new_values.permission_id)) END)), nullif(current_setting('healthtrack.person', true), '')::integer, nullif(current_setting('healthtrack.run', true), '')::bigint, coalesce(current_setting('healthtrack.request', true), ''), session_user FROM old_values FULL JOIN new_values USING (id, user_id) WHERE ROW(old_values.permission_id) IS DISTINCT FROM ROW(new_values.permission_id) $history$; RETURN NULL;",
                    hash="38a93d299f2d46bca688f24db5876ff4ff5f78b7",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_history_update_858eb",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="auth_user_user_permissions",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="recordeduserpermission",
            trigger=pgtrigger.compiler.Trigger(
                name="history_delete",
                sql=healthtrack.audit.trigger_sql.HistoryTriggerSql(
                    func="EXECUTE $history$ INSERT INTO changes (table_name, action, row_id, row_name, fields, person_id, run_id, request, database_role) SELECT 'auth_user_user_permissions', 'delete', coalesce(old_values.user_id), (SELECT username FROM auth_user WHERE id = coalesce(old_values.user_id)), jsonb_strip_nulls(jsonb_build_object('permission_id', CASE WHEN old_values.permission_id IS DISTINCT FROM NULL THEN jsonb_build_array(coalesce((SELECT format('%s (%s.%s)', name, app_label, codename) FROM auth_permission JOIN django_content_type ON django_content_type.id = content_type_id WHERE auth_permission.id = old_values.permission_id), 'number ' || old_values.permission_id), NULL) END)), nullif(current_setting('healthtrack.person', true), '')::integer, nullif(current_setting('healthtrack.run', true), '')::bigint, coalesce(current_setting('healthtrack.request', true), ''), session_user FROM old_values $history$; RETURN NULL;",
                    hash="7edff464a2611dfc1834125ad85a086a1a41e52c",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_history_delete_c469a",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="auth_user_user_permissions",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="recordeduserpermission",
            trigger=pgtrigger.compiler.Trigger(
                name="history_truncate",
                sql=healthtrack.audit.trigger_sql.HistoryTriggerSql(
                    func="INSERT INTO changes (table_name, action, fields, person_id, run_id, request, database_role) VALUES (TG_TABLE_NAME, 'truncate', '{}', nullif(current_setting('healthtrack.person', true), '')::integer, nullif(current_setting('healthtrack.run', true), '')::bigint, coalesce(current_setting('healthtrack.request', true), ''), session_user); RETURN NULL;",
                    hash="36d1c0dcfc67cc3c1e10eec4bac45e20a4053112",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_history_truncate_648e9",
                    table="auth_user_user_permissions",
                    when="BEFORE",
                ),
            ),
        ),
    ]
