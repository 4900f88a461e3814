"""The Ed25519 keys of backups: the writer alone holds the signing key, and restores accept some public keys."""

import base64
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.core.management.base import CommandError

from healthtrack.operations.backups.keys import reason, write_secret

PREFIX = "ed25519:"
_OTHERS = 0o007


def make_signing_key(file: Path) -> str:
    """Write a new signing key to the file, which only its owner can read, and return the public key."""
    key = Ed25519PrivateKey.generate()
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    write_secret(file, text)
    return describe(key.public_key())


def read_signing_key() -> Ed25519PrivateKey:
    """Return the key in the file that HEALTHTRACK_BACKUP_SIGNING_KEY names; raise CommandError if there is none."""
    file = settings.BACKUP_SIGNING_KEY
    if not file:
        raise CommandError(
            "Nobody could tell the backup from a forged one: set HEALTHTRACK_BACKUP_SIGNING_KEY to the file of your"
            " signing key. `manage.py make_signing_key FILE` makes one."
        )
    try:
        if file.stat().st_mode & _OTHERS:
            raise CommandError(f"Everybody on this machine can use the signing key {file}: run chmod 600 {file}.")
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    except OSError as error:
        raise CommandError(f"The signing key {file} cannot be read ({reason(error)}).") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _no_signing_key(file) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_signing_key(file)
    return key


def read_verify_keys() -> Sequence[Ed25519PublicKey]:
    """Return the public keys of HEALTHTRACK_BACKUP_VERIFY_KEYS; raise CommandError if one is invalid."""
    return [parse(text) for text in settings.BACKUP_VERIFY_KEYS]


def describe(key: Ed25519PublicKey) -> str:
    """Return the key as HEALTHTRACK_BACKUP_VERIFY_KEYS has it."""
    return PREFIX + base64.b64encode(key.public_bytes_raw()).decode()


def parse(text: str) -> Ed25519PublicKey:
    """Return the key that the text describes; raise CommandError if it is invalid."""
    try:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(text.partition(PREFIX)[2], validate=True))
    except ValueError as error:
        # The first letters only: somebody may have set a secret key by mistake.
        raise CommandError(
            f"HEALTHTRACK_BACKUP_VERIFY_KEYS names {text[:12]}…, which is not a public key for signatures."
            f" Write {PREFIX} and the 44 characters after it, as `manage.py make_signing_key` printed them."
        ) from error


def _no_signing_key(file: Path) -> CommandError:
    return CommandError(f"The file {file} holds no signing key as `manage.py make_signing_key` writes it.")
