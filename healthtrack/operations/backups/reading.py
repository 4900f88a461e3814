"""Read a backup: decrypt it piece by piece into pg_restore, without writing a decrypted byte to a disk."""

import subprocess
from collections.abc import Sequence

import pyrage
from django.core.management.base import CommandError
from pyrage import x25519

from healthtrack.operations.backups.manifest import Manifest, SinkWithoutManifest
from healthtrack.operations.backups.programs import Program, running
from healthtrack.operations.backups.signatures import Backup

Keys = Sequence[x25519.Identity]


def check_whole(backup: Backup, keys: Keys) -> Manifest | None:
    """Decrypt and parse the whole backup, and return its manifest; raise CommandError if it is damaged."""
    with running("pg_restore", "--file=/dev/null", source=subprocess.PIPE) as reader:
        return feed(backup, keys, reader)


def feed(backup: Backup, keys: Keys, reader: Program) -> Manifest | None:
    """Decrypt the backup into pg_restore, wait until that has parsed all of it, and return the manifest."""
    pipe = reader.process.stdin
    assert pipe  # noqa: S101 (for mypy: it was opened with a pipe)
    sink = SinkWithoutManifest(pipe)
    try:
        pyrage.decrypt_io(backup.encrypted(), sink, keys)
        sink.flush()
        pipe.close()
    except BrokenPipeError:
        pass  # pg_restore has ended; its error output says why
    except pyrage.DecryptError as error:
        if "matching keys" in str(error):
            raise CommandError(
                f"The key does not open the backup {backup.name}: it was made for another key."
            ) from error
        raise CommandError(f"The file {backup.name} is not a backup, or is damaged ({error}).") from error
    except OSError as error:
        raise CommandError(
            f"The backup {backup.name} cannot be read, or is damaged ({error.strerror or error})."
        ) from error
    if not reader.succeeded():
        raise CommandError(f"pg_restore does not understand the backup {backup.name}: {reader.first_error()}.")
    return sink.manifest
