"""Sign a backup, and verify its signature before anything else in the file is read.

A backup is an encrypted archive followed by a signature of fixed length. The signature covers the SHA-512 digest of the
encrypted bytes, so that a backup is written as a stream, and nothing is decrypted or parsed before it is verified.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.core.management.base import CommandError

from healthtrack.operations.backups import signing_keys

BEGIN = b"\nHealthTrack signature 1\n"
SIGNATURE_LENGTH = 64
LENGTH = len(BEGIN) + SIGNATURE_LENGTH
_BLOCK = 1024**2


class SigningSink:
    """Writes to a file, and at the end the signature of everything that was written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha512()

    def write(self, data: bytes) -> int:
        """Write the data."""
        self._digest.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        """Write what the file still holds in its buffer."""
        self._file.flush()

    def sign(self, key: Ed25519PrivateKey) -> None:
        """Write the signature."""
        self._file.write(BEGIN + key.sign(BEGIN + self._digest.digest()))


@dataclass(frozen=True)
class Backup:
    """An open backup whose signature is verified; `signed_by` is the public key that fits, or empty if unsigned."""

    name: Path
    file: IO[bytes]
    length: int
    signed_by: str

    def encrypted(self) -> "EncryptedArchive":
        """Return the encrypted archive, from its beginning."""
        self.file.seek(0)
        return EncryptedArchive(self.file, self.length)


class EncryptedArchive:
    """Reads the encrypted archive of a backup, and ends before the signature."""

    def __init__(self, file: IO[bytes], length: int) -> None:
        self._file = file
        self._left = length

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes; none at the end."""
        data = self._file.read(min(size, self._left))
        self._left -= len(data)
        return data


@contextmanager
def private_copy(name: Path) -> Iterator[IO[bytes]]:
    """Copy the file to one without a name, so that nobody can change it after it has been verified."""
    with TemporaryFile() as copy:
        try:
            with name.open("rb") as source:
                shutil.copyfileobj(source, copy, _BLOCK)
        except OSError as error:
            raise CommandError(f"The backup {name} cannot be read or copied ({error.strerror or error}).") from error
        yield copy


def verify(name: Path, file: IO[bytes], keys: Sequence[Ed25519PublicKey], *, may_lack: bool = False) -> Backup:
    """Return the backup if one of the keys fits its signature or, with `may_lack`, if it has no signature.

    Raise CommandError otherwise. A signature that does not fit is never accepted.
    """
    length, signature = _split(file)
    if not signature:
        if not may_lack:
            raise _unsigned(name)
        return Backup(name, file, length, "")
    file.seek(0)
    digest = _digest(EncryptedArchive(file, length))
    for key in keys:
        if _fits(key, signature, digest):
            return Backup(name, file, length, signing_keys.describe(key))
    raise _wrong_signature(name, keys)


def _split(file: IO[bytes]) -> tuple[int, bytes]:
    """Return the length of the encrypted archive and the signature, which is empty if there is none."""
    size = file.seek(0, os.SEEK_END)
    if size >= LENGTH:
        file.seek(size - LENGTH)
        end = file.read(LENGTH)
        if end.startswith(BEGIN):
            return size - LENGTH, end.removeprefix(BEGIN)
    return size, b""


def _digest(archive: EncryptedArchive) -> bytes:
    digest = hashlib.sha512()
    while block := archive.read(_BLOCK):
        digest.update(block)
    return digest.digest()


def _fits(key: Ed25519PublicKey, signature: bytes, digest: bytes) -> bool:
    try:
        key.verify(signature, BEGIN + digest)
    except InvalidSignature:
        return False
    return True


def _unsigned(name: Path) -> CommandError:
    return CommandError(
        f"The backup {name} has no signature: it is damaged, forged, or of a version before 0.2.0. Nothing of it was"
        " read. If you know that a version before 0.2.0 wrote it, and that nobody changed it, add --unsigned."
    )


def _wrong_signature(name: Path, keys: Sequence[Ed25519PublicKey]) -> CommandError:
    if not keys:
        return CommandError(
            f"The signature of {name} cannot be verified: set HEALTHTRACK_BACKUP_VERIFY_KEYS to the public key that"
            " `manage.py make_signing_key` printed."
        )
    return CommandError(
        f"No key of HEALTHTRACK_BACKUP_VERIFY_KEYS fits the signature of {name}: it is damaged, forged, or signed with"
        " another key. Nothing of it was read."
    )
