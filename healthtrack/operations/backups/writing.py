"""Write the database into one signed file that only the holders of a key can read."""

import os
import subprocess
from pathlib import Path
from typing import IO

import pyrage
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management.base import CommandError
from pyrage import x25519

from healthtrack.accounts.models import Session
from healthtrack.operations.backups import keys, reading, signatures, signing_keys
from healthtrack.operations.backups.manifest import SourceWithManifest
from healthtrack.operations.backups.programs import Program, require_version, running

DUMP_OPTIONS = (
    *("--format=custom", "--schema=public", "--lock-wait-timeout=30s"),
    f"--exclude-table-data=public.{Session._meta.db_table}",  # a restore ends all sessions
)


def write(file: Path) -> int:
    """Write the backup, read it back, and only then give it its name; return its size in bytes."""
    recipients = keys.read_recipients()
    signing_key = signing_keys.read_signing_key()
    if file.exists():
        raise CommandError(f"{file} already exists; choose another file name.")
    require_version("pg_dump")
    # A key for this run only: it lets us read the file back on a machine that has no secret key of the recipients.
    witness = x25519.Identity.generate()
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with open(draft, "xb", opener=_open_for_owner_only) as sink:
            _dump(sink, [*recipients, witness.to_public()], signing_key)
            os.fsync(sink.fileno())
        with draft.open("rb") as written:
            backup = signatures.verify(draft, written, [signing_key.public_key()])
            reading.check_whole(backup, [witness])
        draft.rename(file)
    except OSError as error:
        raise CommandError(f"The backup {file} cannot be written ({error.strerror}).") from error
    finally:
        draft.unlink(missing_ok=True)
    return file.stat().st_size


def _dump(file: IO[bytes], recipients: list[x25519.Recipient], signing_key: Ed25519PrivateKey) -> None:
    sink = signatures.SigningSink(file)
    with running("pg_dump", *DUMP_OPTIONS, connects=True, output=subprocess.PIPE) as dump:
        archive = dump.process.stdout
        assert archive  # noqa: S101 (for mypy: it was opened with a pipe)
        try:
            pyrage.encrypt_io(SourceWithManifest(archive), sink, recipients)
            sink.sign(signing_key)
            sink.flush()
        except pyrage.EncryptError as error:
            raise CommandError(f"The backup cannot be encrypted ({error}).") from error
        _require_success(dump)


def _require_success(dump: Program) -> None:
    if not dump.succeeded():
        raise CommandError(f"pg_dump cannot read the database: {dump.first_error()}.")


def _open_for_owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
