"""The keys of backups: age's public keys, which encrypt and are not secret, and the secret keys that decrypt."""

from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError
from pyrage import IdentityError, RecipientError, x25519


def read_recipients() -> list[x25519.Recipient]:
    """Return the public keys of HEALTHTRACK_BACKUP_RECIPIENTS; raise CommandError if none is set or one is invalid."""
    names = settings.BACKUP_RECIPIENTS
    if not names:
        raise CommandError(
            "Nobody could open the backup: set HEALTHTRACK_BACKUP_RECIPIENTS to your public key."
            " `manage.py make_backup_key FILE` makes a pair of keys."
        )
    return [_parse_recipient(key) for key in names]


def read_identities(file: Path) -> list[x25519.Identity]:
    """Return the secret keys in the file; raise CommandError if it cannot be read or holds none."""
    try:
        lines = file.read_text().split()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"The key file {file} cannot be read ({reason(error)}).") from error
    secrets = [line for line in lines if line.startswith("AGE-SECRET-KEY-1")]
    try:
        identities = [x25519.Identity.from_str(line) for line in secrets]
    except IdentityError as error:
        raise CommandError(f"The key file {file} holds an invalid secret key; it may be cut short.") from error
    if not identities:
        raise CommandError(
            f"The key file {file} holds no secret key of age, that is, a line that begins with AGE-SECRET-KEY-1."
        )
    return identities


def make_key(file: Path) -> str:
    """Write a new secret key to the file, which only its owner can read, and return the public key."""
    secret = x25519.Identity.generate()
    public = str(secret.to_public())
    write_secret(file, f"# created: {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\n# public key: {public}\n{secret}\n")
    return public


def write_secret(file: Path, text: str) -> None:
    """Write the text to a new file that only its owner can read; raise CommandError if that is impossible."""
    try:
        file.touch(mode=0o600, exist_ok=False)
        file.write_text(text)
    except FileExistsError as error:
        raise CommandError(f"{file} already exists; choose another file name.") from error
    except OSError as error:
        raise CommandError(f"{file} cannot be written ({reason(error)}).") from error


def reason(error: Exception) -> str:
    """Return why a file cannot be read or written."""
    return error.strerror or "" if isinstance(error, OSError) else "it is not a text file"


def _parse_recipient(key: str) -> x25519.Recipient:
    try:
        return x25519.Recipient.from_str(key)
    except RecipientError as error:
        # The first letters only: somebody may have set a secret key by mistake.
        raise CommandError(
            f"HEALTHTRACK_BACKUP_RECIPIENTS names {key[:8]}…, which is not a public key of age. Those begin with age1."
        ) from error
