"""The database into one file that only the holders of a key can read."""

import os
import subprocess
from pathlib import Path
from typing import IO

import pyrage
from django.core.management.base import CommandError
from pyrage import x25519

from healthtrack.operations.backups import keys, reading
from healthtrack.operations.backups.programs import Program, database, require_version, running

WHAT = ("--format=custom", "--schema=public", "--lock-wait-timeout=30s")


def write(file: Path) -> int:
    """Writes the backup, reads it back, and only then gives it its name; answers its size."""
    recipients = keys.recipients()
    if file.exists():
        raise CommandError(f"{file} is there already; name another file.")
    require_version("pg_dump")
    # A key of the moment, by which the file is read back here, where no secret key of its recipients should be.
    witness = x25519.Identity.generate()
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with open(draft, "xb", opener=_for_the_owner_alone) as sink:
            _dump(sink, [*recipients, witness.to_public()])
            os.fsync(sink.fileno())
        reading.read_whole(draft, [witness])
        draft.rename(file)
    except OSError as fault:
        raise CommandError(f"The backup {file} cannot be written ({fault.strerror}).") from fault
    finally:
        draft.unlink(missing_ok=True)
    return file.stat().st_size


def _dump(sink: IO[bytes], recipients: list[x25519.Recipient]) -> None:
    with running("pg_dump", *WHAT, database(), output=subprocess.PIPE) as dump:
        try:
            pyrage.encrypt_io(dump.process.stdout, sink, recipients)
            sink.flush()
        except pyrage.EncryptError as fault:
            raise CommandError(f"The backup cannot be encrypted ({fault}).") from fault
        _require_success(dump)


def _require_success(dump: Program) -> None:
    if not dump.succeeded():
        raise CommandError(f"pg_dump cannot read the database: {dump.complaint()}.")


def _for_the_owner_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
