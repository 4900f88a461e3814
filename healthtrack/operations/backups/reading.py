"""A backup read back: decrypted piece by piece, and never written down."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pyrage
from django.core.management.base import CommandError
from pyrage import x25519

from healthtrack.operations.backups.programs import Program, running

Keys = Sequence[x25519.Identity]


def read_whole(file: Path, keys: Keys) -> None:
    """Refuses a backup that is not whole: every byte is decrypted, unpacked and understood, and then dropped."""
    with running("pg_restore", "--file=/dev/null", source=subprocess.PIPE) as reader:
        feed(file, keys, reader)


def feed(file: Path, keys: Keys, reader: Program) -> None:
    """Decrypts the backup into pg_restore, which has understood it all when this comes back."""
    pipe = reader.process.stdin
    assert pipe  # noqa: S101
    try:
        with file.open("rb") as source:
            pyrage.decrypt_io(source, pipe, keys)
        pipe.close()
    except BrokenPipeError:
        pass  # it has ended, and says why
    except pyrage.DecryptError as fault:
        if "matching keys" in str(fault):
            raise CommandError(f"The key does not open the backup {file}: it was made for another key.") from fault
        raise CommandError(f"The file {file} is no backup, or is damaged ({fault}).") from fault
    except OSError as fault:
        raise CommandError(f"The backup {file} cannot be read, or is damaged ({fault.strerror or fault}).") from fault
    if not reader.succeeded():
        raise CommandError(f"pg_restore does not understand the backup {file}: {reader.complaint()}.")
