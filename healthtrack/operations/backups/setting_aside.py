"""Set aside what a restore replaces: nothing is deleted before the restore has succeeded.

pg_restore has a transaction of its own. So the objects of `public` move into another schema first, which takes a moment
whatever their size, and move back if the restore fails.
"""

from django.core.management.base import CommandError
from django.db import OperationalError, connection, transaction

ASIDE = "before_restore"
LOCK_TIMEOUT = "10s"
COUNT_TABLES = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
_EXISTS = "SELECT to_regnamespace(%s) IS NOT NULL"

# Runs a statement for each object of a schema, except those of extensions, and except sequences that go with their
# tables. All statements are made before the first one runs, because CASCADE may drop objects that come later.
_EACH_OBJECT = """
DO $$
DECLARE
    ours CONSTANT regnamespace := '{schema}';
    statements CONSTANT text[] := ARRAY(
        WITH foreigners AS (SELECT objid FROM pg_depend WHERE deptype = 'e')
        SELECT format(
                   '{verb} %s {exists} %s {action}',
                   CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
                                ELSE 'TABLE' END,
                   oid::regclass)
          FROM pg_class
         WHERE relnamespace = ours AND oid NOT IN (SELECT objid FROM foreigners)
           AND relkind IN ('r', 'p', 'v', 'm', 'S')
           AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND classid = 'pg_class'::regclass
                              AND relkind = 'S' AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i'))
        UNION ALL
        SELECT format('{verb} ROUTINE {exists} %s {action}', oid::regprocedure)
          FROM pg_proc
         WHERE pronamespace = ours AND oid NOT IN (SELECT objid FROM foreigners)
        UNION ALL
        SELECT format('{verb} TYPE {exists} %s {action}', type.oid::regtype)
          FROM pg_type AS type
          LEFT JOIN pg_class AS relation ON relation.oid = type.typrelid
         WHERE type.typnamespace = ours AND type.oid NOT IN (SELECT objid FROM foreigners)
           AND (type.typtype IN ('d', 'e', 'r') OR relation.relkind = 'c'));
    statement text;
BEGIN
    FOREACH statement IN ARRAY statements LOOP
        EXECUTE statement;
    END LOOP;
END $$;
"""
_MOVE = f"""
CREATE SCHEMA {ASIDE};
{_EACH_OBJECT.format(schema="public", verb="ALTER", exists="", action=f"SET SCHEMA {ASIDE}")}
"""
_MOVE_BACK = f"""
{_EACH_OBJECT.format(schema="public", verb="DROP", exists="IF EXISTS", action="CASCADE")}
{_EACH_OBJECT.format(schema=ASIDE, verb="ALTER", exists="", action="SET SCHEMA public")}
DROP SCHEMA {ASIDE};
"""
_INTERRUPTED = f"A restore was interrupted: the schema {ASIDE} has what the database held before"
DELETE = f"DROP SCHEMA {ASIDE} CASCADE"


def set_aside() -> None:
    """Move everything in `public` to another schema; raise CommandError if others use it."""
    try:
        _run(_MOVE)
    except OperationalError as error:
        raise CommandError(
            "The backup was not restored, and the database is unchanged: somebody else is using it; stop the web server"
            " and the worker first."
        ) from error


def put_back() -> None:
    """Replace what is in `public` by what was set aside."""
    _run(_MOVE_BACK)


def put_back_after_interruption() -> None:
    """Put back what a restore set aside that was killed; raise CommandError if tables took its place since."""
    if not is_interrupted():
        return
    if count_tables():
        raise CommandError(
            f"{_INTERRUPTED}, and other tables took its place since. If you need nothing in {ASIDE}, run {DELETE}"
            " in psql as the owner, and restore again."
        )
    put_back()


def refuse_if_interrupted() -> None:
    """Raise CommandError if a restore was killed: a migration would create empty tables in the place of the others."""
    if is_interrupted():
        raise CommandError(f"{_INTERRUPTED}. Run `manage.py restore` again, which first puts that back.")


def count_tables() -> int:
    """Return the number of tables in `public`."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT_TABLES)
        return int(cursor.fetchone()[0])


def is_interrupted() -> bool:
    """Return whether a restore was killed after it had set aside what it replaces."""
    with connection.cursor() as cursor:
        cursor.execute(_EXISTS, [ASIDE])
        return bool(cursor.fetchone()[0])


def _run(sql: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        cursor.execute("SET LOCAL search_path = ''")  # so that the names of objects include their schema
        cursor.execute(sql)
