"""Write the database into one file that only the holders of a key can read."""

import os
import subprocess
from pathlib import Path
from typing import IO

import pyrage
from django.core.management.base import CommandError
from pyrage import x25519

from healthtrack.operations.backups import keys, reading
from healthtrack.operations.backups.manifest import SourceWithManifest
from healthtrack.operations.backups.programs import Program, database_option, require_version, running

DUMP_OPTIONS = ("--format=custom", "--schema=public", "--lock-wait-timeout=30s")


def write(file: Path) -> int:
    """Write the backup, read it back, and only then give it its name; return its size in bytes."""
    recipients = keys.read_recipients()
    if file.exists():
        raise CommandError(f"{file} already exists; choose another file name.")
    require_version("pg_dump")
    # A key for this run only: it lets us read the file back on a machine that has no secret key of the recipients.
    witness = x25519.Identity.generate()
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with open(draft, "xb", opener=_open_for_owner_only) as sink:
            _dump(sink, [*recipients, witness.to_public()])
            os.fsync(sink.fileno())
        reading.check_whole(draft, [witness])
        draft.rename(file)
    except OSError as error:
        raise CommandError(f"The backup {file} cannot be written ({error.strerror}).") from error
    finally:
        draft.unlink(missing_ok=True)
    return file.stat().st_size


def _dump(sink: IO[bytes], recipients: list[x25519.Recipient]) -> None:
    with running("pg_dump", *DUMP_OPTIONS, database_option(), output=subprocess.PIPE) as dump:
        archive = dump.process.stdout
        assert archive  # noqa: S101
        try:
            pyrage.encrypt_io(SourceWithManifest(archive), sink, recipients)
            sink.flush()
        except pyrage.EncryptError as error:
            raise CommandError(f"The backup cannot be encrypted ({error}).") from error
        _require_success(dump)


def _require_success(dump: Program) -> None:
    if not dump.succeeded():
        raise CommandError(f"pg_dump cannot read the database: {dump.first_error()}.")


def _open_for_owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
