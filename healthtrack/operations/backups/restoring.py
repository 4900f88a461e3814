"""A backup into the database: all of it, or nothing."""

import subprocess
from pathlib import Path

from django.core.management.base import CommandError
from django.db import connection

from healthtrack.operations.backups import keys, reading
from healthtrack.operations.backups.programs import Program, database, require_version, running

# What an extension brought is not ours. All names are made before the first drop, which may take others with it.
EMPTY = """
SET LOCAL lock_timeout = '10s';
DO $$
DECLARE
    ours CONSTANT regnamespace := 'public';
    statements CONSTANT text[] := ARRAY(
        WITH foreigners AS (SELECT objid FROM pg_depend WHERE deptype = 'e')
        (SELECT format(
                   'DROP %s IF EXISTS %s CASCADE',
                   CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
                                ELSE 'TABLE' END,
                   oid::regclass)
          FROM pg_class
         WHERE relnamespace = ours AND oid NOT IN (SELECT objid FROM foreigners)
           AND relkind IN ('r', 'p', 'v', 'm', 'S')
         ORDER BY relkind = 'S')  -- those of identity columns go with their tables alone
        UNION ALL
        SELECT format('DROP ROUTINE IF EXISTS %s CASCADE', oid::regprocedure)
          FROM pg_proc
         WHERE pronamespace = ours AND oid NOT IN (SELECT objid FROM foreigners)
        UNION ALL
        SELECT format('DROP TYPE IF EXISTS %s CASCADE', type.oid::regtype)
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
# Named so, the schema's own entry is left out: it is there already, and may be another's.
WHAT = ("--schema=public", "--no-owner", "--no-privileges")
TABLES = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"


def restore(file: Path, key_file: Path, *, replace: bool) -> None:
    identities = keys.identities(key_file)
    for name in ("pg_restore", "psql"):
        require_version(name, restores=True)
    if not replace:
        _require_empty()
    connection.close()
    reading.read_whole(file, identities)
    _put_in_place(file, identities)


def _require_empty() -> None:
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        (tables,) = cursor.fetchone()
    if tables:
        raise CommandError(
            f"The database {connection.settings_dict['NAME']} has {tables} tables already."
            " Restore into an empty one; or say --replace, and all that they hold is deleted for what the backup holds."
        )


def _put_in_place(file: Path, identities: reading.Keys) -> None:
    arguments = ("--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--set=VERBOSITY=terse", "--single-transaction")
    with running("psql", *arguments, f"--command={EMPTY}", "--file=-", database(), source=subprocess.PIPE) as session:
        pipe = session.process.stdin
        assert pipe  # noqa: S101
        # psql commits when its input ends: so this process holds the input open until all has gone well.
        try:
            with running("pg_restore", *WHAT, "--file=-", source=subprocess.PIPE, output=pipe) as reader:
                reading.feed(file, identities, reader)
        except CommandError as fault:
            raise _explained(session, fault) from fault
        pipe.close()
        if not session.succeeded():
            raise _refusal(session)


def _explained(session: Program, fault: CommandError) -> CommandError:
    """When psql ended first, it knows the reason, and pg_restore only that nobody reads on."""
    return _refusal(session) if session.ends_by_itself() else fault


def _refusal(session: Program) -> CommandError:
    reason = session.complaint()
    if "lock timeout" in reason:
        reason = "somebody else is at work in it; stop the web server and the worker first"
    return CommandError(f"The database does not take the backup, and stays as it was: {reason}.")
