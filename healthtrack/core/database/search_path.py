"""Let unqualified names mean the objects of `public`, whoever else may create schemas.

By default PostgreSQL looks into a schema with the name of the role first. Somebody who creates such a schema, with
functions and tables of known names in it, makes the owner of the tables run them.
"""

from django.core.management import CommandError
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from healthtrack.core.database.pooling import is_pooled
from healthtrack.core.database.transaction_settings import Setting

_OWNER_OF_NAMESAKE = """
    SELECT current_user, rolname FROM pg_catalog.pg_namespace JOIN pg_catalog.pg_roles ON pg_roles.oid = nspowner
     WHERE nspname = current_user AND rolname <> current_user AND NOT rolsuper
"""


def pin_search_path(*, connection: BaseDatabaseWrapper, **_: object) -> None:
    """Set the search path of a new connection.

    A statement does it, because connection pools may refuse it as an option of the connection.
    """
    if is_pooled(connection):
        return
    with connection.cursor() as cursor:
        cursor.execute("SET search_path = public")


def get_transaction_settings(database: BaseDatabaseWrapper) -> tuple[Setting, ...]:
    """Return the search path for each transaction of a pooled connection, which has none for its session."""
    return (("search_path", "public"),) if is_pooled(database) else ()


def refuse_namesake_schema() -> None:
    """Raise CommandError if a schema has the name of the session's role, and neither it nor a superuser owns it."""
    with connection.cursor() as cursor:
        cursor.execute(_OWNER_OF_NAMESAKE)
        found = cursor.fetchone()
    if found:
        role, owner = found
        raise CommandError(
            f"The schema {role} has the name of the role that runs this command, but belongs to {owner}. It may contain"
            f" functions that {owner} wants {role} to run. Find out who created it and why. Then drop it as an"
            f" administrator of PostgreSQL, DROP SCHEMA {connection.ops.quote_name(role)} CASCADE, and run the command"
            " again."
        )
