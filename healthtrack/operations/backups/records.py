"""Finish a restore in one transaction: end the sessions, record what was restored, delete what it replaced."""

from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Model

from healthtrack.accounts.models import Session
from healthtrack.imports import staging_tables
from healthtrack.operations.backups import setting_aside
from healthtrack.operations.backups.manifest import Manifest
from healthtrack.operations.backups.signatures import Backup
from healthtrack.operations.history_rights import role_of_session
from healthtrack.operations.models import Backup as BackupRecord
from healthtrack.operations.models import Restore

_COUNT_ACCOUNTS = """
    SELECT count(*), count(*) FILTER (WHERE is_active), count(*) FILTER (WHERE is_active AND is_superuser)
      FROM public.auth_user
"""
_COUNT_ROLE_HOLDERS = """
    SELECT auth_group.name, count(*)
      FROM public.auth_group
      JOIN public.auth_user_groups ON group_id = auth_group.id
      JOIN public.auth_user ON auth_user.id = user_id
     WHERE is_active
     GROUP BY auth_group.name
     ORDER BY auth_group.name
"""
_LAST_CHANGE = "SELECT max(changed_at) FROM public.changes"


def finish(backup: Backup, manifest: Manifest | None) -> Restore:
    """End all sessions, delete what was set aside, and record and return what was restored."""
    with transaction.atomic(), connection.cursor() as cursor:
        facts = _describe(cursor)
        _make_table()
        staging_tables.replace_schema(cursor)
        cursor.execute(f"DELETE FROM public.{Session._meta.db_table}")  # noqa: S608  (a constant)
        _keep_earlier_records(cursor, Restore, "restored_at")
        _keep_earlier_records(cursor, BackupRecord, "written_at")
        restored = Restore.objects.create(
            database_role=role_of_session(),
            file_name=backup.name.name[: Restore.MAX_NAME],
            version=manifest.version[: Restore.MAX_TEXT] if manifest else "",
            written=manifest.created[: Restore.MAX_TEXT] if manifest else "",
            signed_by=backup.signed_by,
            **facts,
        )
        cursor.execute(setting_aside.DELETE)
    return restored


def _describe(cursor: CursorWrapper) -> dict[str, Any]:
    cursor.execute(_COUNT_ACCOUNTS)
    accounts, open_accounts, superusers = cursor.fetchone()
    cursor.execute(_COUNT_ROLE_HOLDERS)
    role_holders = dict(cursor.fetchall())
    cursor.execute(_LAST_CHANGE)
    (last_change_at,) = cursor.fetchone()
    return {
        "accounts": accounts,
        "open_accounts": open_accounts,
        "superusers": superusers,
        "role_holders": role_holders,
        "last_change_at": last_change_at,
    }


def _make_table() -> None:
    """Migrate the table of restores, because a backup of an earlier version lacks it."""
    executor = MigrationExecutor(connection)
    targets = executor.loader.graph.leaf_nodes(Restore._meta.app_label)
    if executor.migration_plan(targets):
        executor.migrate(targets)


def _keep_earlier_records(cursor: CursorWrapper, model: type[Model], moment: str) -> None:
    """Copy the records of restores or backups that the replaced database has and the backup lacks."""
    table = model._meta.db_table
    columns = ", ".join(str(field.column) for field in model._meta.concrete_fields if not field.primary_key)
    cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [f"{setting_aside.ASIDE}.{table}"])
    if cursor.fetchone() != (True,):
        return
    cursor.execute(f"""
        INSERT INTO public.{table} ({columns})
        SELECT {columns} FROM {setting_aside.ASIDE}.{table} AS earlier
         WHERE NOT EXISTS (SELECT FROM public.{table} AS known WHERE known.{moment} = earlier.{moment})
         ORDER BY {moment}
    """)  # noqa: S608  (names of the model)
