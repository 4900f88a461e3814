"""Restore a backup into the database: all of it, or nothing."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.management.base import CommandError
from django.db import Error, connection

from healthtrack.operations.backups import keys, reading, records, setting_aside, signatures, signing_keys
from healthtrack.operations.backups.programs import require_version, running
from healthtrack.operations.models import Restore

# With --schema, pg_restore leaves out the schema itself: it exists already, and may belong to another role.
RESTORE_OPTIONS = ("--schema=public", "--no-owner", "--no-privileges", "--single-transaction")


def restore(file: Path, key_file: Path, *, replace: bool, unsigned: bool) -> Restore:
    """Restore the backup, end all sessions, record the restore, and return what was restored.

    Raise CommandError, and change nothing, if the signature of the backup does not fit, if it has none and `unsigned`
    is false, if the database holds tables and `replace` is false, or if anything fails.
    """
    identities = keys.read_identities(key_file)
    accepted = signing_keys.read_verify_keys()
    require_version("pg_restore", restores=True)
    with signatures.private_copy(file) as copy:
        backup = signatures.verify(file, copy, accepted, may_lack=unsigned)
        setting_aside.put_back_after_interruption()
        if not replace:
            _require_empty()
        connection.close()
        manifest = reading.check_whole(backup, identities)
        with _replacing_all_or_nothing():
            _fill(backup, identities)
            return records.finish(backup, manifest)


@contextmanager
def _replacing_all_or_nothing() -> Iterator[None]:
    setting_aside.set_aside()
    try:
        yield
    except BaseException as error:  # also when somebody presses Ctrl-C
        connection.close()
        setting_aside.put_back()
        if isinstance(error, Error):
            reason = str(error).strip().partition("\n")[0]
            raise _not_restored(reason) from error
        raise


def _require_empty() -> None:
    tables = setting_aside.count_tables()
    if tables:
        raise CommandError(
            f"The database {connection.settings_dict['NAME']} already has {tables} tables."
            " Restore into an empty database, or add --replace to delete everything in this one first."
        )


def _fill(backup: signatures.Backup, identities: reading.Keys) -> None:
    with running("pg_restore", *RESTORE_OPTIONS, connects=True, source=subprocess.PIPE) as reader:
        try:
            reading.feed(backup, identities, reader)
        except CommandError as error:
            raise _not_restored(str(error).removesuffix(".")) from error


def _not_restored(reason: str) -> CommandError:
    return CommandError(f"The backup could not be restored, and the database is unchanged: {reason}.")
