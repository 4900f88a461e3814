"""What the program's own role may do in the database, beside the role that owns the tables and migrates them.

The program reads and writes, adds to what is written once, and makes a schema for each import. It owns no table: so it
disables no trigger, and the trail of who did and saw what stands against it too.
"""

from collections.abc import Iterator

from django.apps import apps
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Model

from healthtrack.core.append_only import AppendOnly

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
# A session's setting lets pgtrigger's triggers stand aside. Nobody here sets it, and nobody is to.
_NO_TRIGGER_STANDS_ASIDE = """\
CREATE OR REPLACE FUNCTION public._pgtrigger_should_ignore(trigger_name name) RETURNS boolean
    LANGUAGE sql AS 'SELECT false'"""

KNOWS_MAINTAIN = 17_00_00  # the first version of PostgreSQL that does


class DatabaseRolesError(Exception):
    """Says why the rights cannot be given, and the way out."""


def written_once() -> list[str]:
    """The tables that are only added to."""
    return sorted(model._meta.db_table for model in apps.get_models() if _is_guarded(model))


def statements(role: str) -> list[str]:
    with connection.cursor() as cursor:
        return [*_rights(cursor, connection.ops.quote_name(role)), *_fastened(cursor)]


def apply(role: str) -> None:
    with connection.cursor() as cursor:
        _refuse_unfit(cursor, role)
    rights = statements(role)
    with connection.cursor() as cursor:
        for statement in rights:
            cursor.execute(statement)


def _is_guarded(model: type[Model]) -> bool:
    return any(isinstance(trigger, AppendOnly) for trigger in getattr(model._meta, "triggers", ()))


def _rights(cursor: CursorWrapper, role: str) -> Iterator[str]:
    quote = connection.ops.quote_name
    once = set(written_once())
    # An import takes stock of the tables that it fills; before there was a right to, the owner's vacuum alone did.
    maintain = ", MAINTAIN" if connection.pg_version >= KNOWS_MAINTAIN else ""  # type: ignore[attr-defined]
    yield f"GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {quote(_only(cursor, 'SELECT current_database()'))} TO {role}"
    yield f"REVOKE CREATE ON SCHEMA public FROM PUBLIC, {role}"
    yield f"GRANT USAGE ON SCHEMA public TO {role}"
    for table in _column(cursor, _TABLES):
        yield f"REVOKE ALL ON public.{quote(table)} FROM PUBLIC, {role}"
        may = "SELECT, INSERT" if table in once else f"SELECT, INSERT, UPDATE, DELETE{maintain}"
        yield f"GRANT {may} ON public.{quote(table)} TO {role}"
    for view in _column(cursor, _VIEWS):
        yield f"REVOKE ALL ON public.{quote(view)} FROM PUBLIC, {role}"
        yield f"GRANT SELECT ON public.{quote(view)} TO {role}"
    for part in _column(cursor, _PARTS):
        yield f"REVOKE ALL ON public.{quote(part)} FROM PUBLIC, {role}"
    yield f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}"
    yield f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {role}"


def _fastened(cursor: CursorWrapper) -> Iterator[str]:
    """No setting and no table of the same name elsewhere leads a trigger astray."""
    yield _NO_TRIGGER_STANDS_ASIDE
    for function in _column(cursor, _TRIGGER_FUNCTIONS):
        yield f"ALTER FUNCTION {function} SET search_path = public, pg_temp"


def _refuse_unfit(cursor: CursorWrapper, role: str) -> None:
    cursor.execute(
        "SELECT rolsuper, pg_has_role(rolname, current_user, 'MEMBER') FROM pg_roles WHERE rolname = %s", [role]
    )
    found = cursor.fetchone()
    if not found:
        raise DatabaseRolesError(
            f"There is no role {role}. Make it as the database's administrator: CREATE ROLE {role} LOGIN PASSWORD '…'."
        )
    is_superuser, is_owner = found
    if is_superuser or is_owner:
        raise DatabaseRolesError(
            f"The role {role} is a superuser, or the one that owns the tables, whom no right can be denied."
            " Name another with --app."
        )


def _only(cursor: CursorWrapper, query: str) -> str:
    return _column(cursor, query)[0]


def _column(cursor: CursorWrapper, query: str) -> list[str]:
    cursor.execute(query)
    return [value for (value,) in cursor.fetchall()]
