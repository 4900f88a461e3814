"""Grant the application role its rights. Another role, the owner, owns the tables and migrates them.

The application role reads and writes rows, only inserts into append-only tables, and creates tables in the schema
`imports`. It only reads what migrations write, so it can neither make the owner skip or repeat a migration nor turn one
permission into another. Who started an import run, and with which files, stays as it was stored. Functions with the
owner's rights write the history and the access log. It owns none of their tables, so it cannot disable a trigger: the
history and the access log are protected from it too.
"""

from collections.abc import Iterator

from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Model

from healthtrack.core.database.append_only import AppendOnly
from healthtrack.imports.models import ImportFile, ImportRun
from healthtrack.imports.staging_tables import STAGING_SCHEMA

_TABLES = """
    SELECT relname FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
     ORDER BY relname
"""
_VIEWS = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'v' ORDER BY relname"
_PARTS = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relispartition AND relkind = 'r'"
_TRIGGER_FUNCTIONS = """
    SELECT oid::regprocedure::text FROM pg_proc
     WHERE pronamespace = 'public'::regnamespace AND prorettype = 'trigger'::regtype
       AND pg_has_role(proowner, 'USAGE')
     ORDER BY 1
"""
# pgtrigger's triggers do nothing if a setting of the session says so. We never set it, and nobody else may.
_NEVER_IGNORE_TRIGGERS = """\
CREATE OR REPLACE FUNCTION public._pgtrigger_should_ignore(trigger_name name) RETURNS boolean
    LANGUAGE sql AS 'SELECT false'"""

_WRITTEN_BY_MIGRATIONS = (MigrationRecorder.Migration, ContentType, Permission)
# What an import inserts has no history of its own but names the run, so these columns say who did it.
_ATTRIBUTION = {
    ImportRun: {"run_id", "importer", "kind", "started_at", "started_by_id", "undoes_id"},
    ImportFile: {"file_id", "run_id", "position", "name", "size", "sha256"},
}

FIRST_WITH_MAINTAIN = 17_00_00  # the first version of PostgreSQL with the right MAINTAIN


class DatabaseRolesError(Exception):
    """Says why the rights cannot be granted, and what to do about it."""


def append_only_tables() -> list[str]:
    """Return the sorted names of the append-only tables."""
    return sorted(_append_only())


def tables_written_by_owner() -> list[str]:
    """Return the sorted names of the append-only tables into which the application role must not insert."""
    return sorted(table for table, trigger in _append_only().items() if not trigger.application_inserts)


def make_statements(role: str) -> list[str]:
    """Return the SQL statements that grant the role its rights and revoke all others."""
    with connection.cursor() as cursor:
        quoted = connection.ops.quote_name(role)
        return [*_rights(cursor, quoted), *_protect_triggers(cursor, quoted)]


def apply(role: str) -> None:
    """Grant the role its rights; raise DatabaseRolesError if it does not exist or no right can be denied to it."""
    with connection.cursor() as cursor:
        _refuse_unsuitable_role(cursor, role)
    statements = make_statements(role)
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _append_only() -> dict[str, AppendOnly]:
    return {
        model._meta.db_table: trigger
        for model in apps.get_models()
        for trigger in getattr(model._meta, "triggers", ())
        if isinstance(trigger, AppendOnly)
    }


def _rights(cursor: CursorWrapper, role: str) -> Iterator[str]:
    quote = connection.ops.quote_name
    # An import runs ANALYZE on the tables that it fills. Before version 17, only the owner (or autovacuum) could.
    maintain = ", MAINTAIN" if connection.pg_version >= FIRST_WITH_MAINTAIN else ""  # type: ignore[attr-defined]  # of the PostgreSQL backend
    yield from _schema_rights(quote(_only(cursor, "SELECT current_database()")), role)
    rights = {
        **dict.fromkeys(append_only_tables(), "SELECT, INSERT"),
        **dict.fromkeys(tables_written_by_owner(), "SELECT"),
        **{model._meta.db_table: "SELECT" for model in _WRITTEN_BY_MIGRATIONS},
        **{model._meta.db_table: _attributed_rights(model) for model in _ATTRIBUTION},
    }
    for table in _column(cursor, _TABLES):
        may = rights.get(table, f"SELECT, INSERT, UPDATE, DELETE{maintain}")
        yield f"REVOKE ALL ON public.{quote(table)} FROM PUBLIC, {role}"
        yield f"GRANT {may} ON public.{quote(table)} TO {role}"
    for view in _column(cursor, _VIEWS):
        yield f"REVOKE ALL ON public.{quote(view)} FROM PUBLIC, {role}"
        yield f"GRANT SELECT ON public.{quote(view)} TO {role}"
    for part in _column(cursor, _PARTS):
        yield f"REVOKE ALL ON public.{quote(part)} FROM PUBLIC, {role}"
    yield f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}"
    yield "REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC"
    yield f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {role}"
    # Of functions that later migrations and restores create.
    yield "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC"


def _attributed_rights(model: type[Model]) -> str:
    columns = [str(field.column) for field in model._meta.concrete_fields if field.column not in _ATTRIBUTION[model]]
    return f"SELECT, INSERT, UPDATE ({', '.join(map(connection.ops.quote_name, columns))})"


def _schema_rights(database: str, role: str) -> Iterator[str]:
    # The owner's own sessions in psql too must not find a function or table in a schema with the owner's name.
    yield f"ALTER ROLE CURRENT_USER IN DATABASE {database} SET search_path = public"
    yield f"GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {role}"
    yield f"REVOKE CREATE ON DATABASE {database} FROM PUBLIC, {role}"
    yield f"REVOKE CREATE ON SCHEMA public FROM PUBLIC, {role}"
    yield f"GRANT USAGE ON SCHEMA public TO {role}"
    yield f"GRANT USAGE, CREATE ON SCHEMA {STAGING_SCHEMA} TO {role}"


def _protect_triggers(cursor: CursorWrapper, role: str) -> Iterator[str]:
    """Yield statements that make triggers independent of settings and of tables with the same name elsewhere.

    Firing a trigger needs no right to execute its function. With that right, the role could attach it to a temporary
    table.
    """
    yield _NEVER_IGNORE_TRIGGERS
    for function in _column(cursor, _TRIGGER_FUNCTIONS):
        yield f"ALTER FUNCTION {function} SET search_path = public, pg_temp"
        yield f"REVOKE EXECUTE ON FUNCTION {function} FROM {role}"


def _refuse_unsuitable_role(cursor: CursorWrapper, role: str) -> None:
    cursor.execute(
        "SELECT rolsuper, pg_has_role(rolname, current_user, 'MEMBER') FROM pg_roles WHERE rolname = %s", [role]
    )
    found = cursor.fetchone()
    if not found:
        raise DatabaseRolesError(
            f"There is no role {role}. Create it as an administrator: CREATE ROLE {role} LOGIN PASSWORD '…'."
        )
    is_superuser, is_owner = found
    if is_superuser or is_owner:
        raise DatabaseRolesError(
            f"The role {role} is a superuser or owns the tables, so no right can be denied to it."
            " Name another role with --app."
        )


def _only(cursor: CursorWrapper, query: str) -> str:
    return _column(cursor, query)[0]


def _column(cursor: CursorWrapper, query: str) -> list[str]:
    cursor.execute(query)
    return [value for (value,) in cursor.fetchall()]
