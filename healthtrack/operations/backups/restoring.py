"""Restore a backup into the database: all of it, or nothing."""

import subprocess
from pathlib import Path

from django.core.management.base import CommandError
from django.db import connection

from healthtrack.operations.backups import keys, reading
from healthtrack.operations.backups.manifest import Manifest
from healthtrack.operations.backups.programs import Program, database_option, require_version, running

# Drops everything but the objects of extensions. All statements are made before the first one runs, because CASCADE
# may drop objects that come later in the list.
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
         ORDER BY relkind = 'S')  -- sequences last: those of identity columns can only go with their tables
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
# With --schema, pg_restore leaves out the schema itself: it exists already, and may belong to another role.
RESTORE_OPTIONS = ("--schema=public", "--no-owner", "--no-privileges")
COUNT_TABLES = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"


def restore(file: Path, key_file: Path, *, replace: bool) -> Manifest | None:
    """Restore the backup, and return its manifest, or None if it was written before there were manifests.

    Raise CommandError, and change nothing, if the database holds tables and `replace` is false, or anything fails.
    """
    identities = keys.read_identities(key_file)
    for name in ("pg_restore", "psql"):
        require_version(name, restores=True)
    if not replace:
        _require_empty()
    connection.close()
    manifest = reading.check_whole(file, identities)
    _replace_contents(file, identities)
    return manifest


def _require_empty() -> None:
    with connection.cursor() as cursor:
        cursor.execute(COUNT_TABLES)
        (tables,) = cursor.fetchone()
    if tables:
        raise CommandError(
            f"The database {connection.settings_dict['NAME']} already has {tables} tables."
            " Restore into an empty database, or add --replace to delete everything in this one first."
        )


def _replace_contents(file: Path, identities: reading.Keys) -> None:
    arguments = ("--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--set=VERBOSITY=terse", "--single-transaction")
    with running(
        "psql", *arguments, f"--command={EMPTY}", "--file=-", database_option(), source=subprocess.PIPE
    ) as session:
        pipe = session.process.stdin
        assert pipe  # noqa: S101
        # psql commits at the end of its input, so we close the input only after everything has succeeded.
        try:
            with running("pg_restore", *RESTORE_OPTIONS, "--file=-", source=subprocess.PIPE, output=pipe) as reader:
                reading.feed(file, identities, reader)
        except CommandError as error:
            raise _explain(session, error) from error
        pipe.close()
        if not session.succeeded():
            raise _psql_error(session)


def _explain(session: Program, error: CommandError) -> CommandError:
    """Return the error of psql if that ended first: pg_restore then only knows that nobody reads its output."""
    return _psql_error(session) if session.has_ended() else error


def _psql_error(session: Program) -> CommandError:
    reason = session.first_error()
    if "lock timeout" in reason:
        reason = "somebody else is using it; stop the web server and the worker first"
    return CommandError(f"The backup could not be restored, and the database is unchanged: {reason}.")
