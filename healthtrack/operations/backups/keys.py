"""Who can open a backup: age's public keys, which are no secret, and the secret keys that go with them."""

from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError
from pyrage import IdentityError, RecipientError, x25519


def recipients() -> list[x25519.Recipient]:
    named = settings.BACKUP_RECIPIENTS
    if not named:
        raise CommandError(
            "Nobody could open the backup: set HEALTHTRACK_BACKUP_RECIPIENTS to your public key."
            " `manage.py make_backup_key FILE` makes a pair of keys."
        )
    return [_recipient(key) for key in named]


def identities(file: Path) -> list[x25519.Identity]:
    try:
        lines = file.read_text().split()
    except (OSError, UnicodeDecodeError) as fault:
        raise CommandError(f"The key file {file} cannot be read ({_reason(fault)}).") from fault
    found = [line for line in lines if line.startswith("AGE-SECRET-KEY-1")]
    try:
        keys = [x25519.Identity.from_str(line) for line in found]
    except IdentityError as fault:
        raise CommandError(f"The key file {file} holds a secret key that is none; it may be cut short.") from fault
    if not keys:
        raise CommandError(f"The key file {file} holds no secret key of age: a line that begins AGE-SECRET-KEY-1.")
    return keys


def make(file: Path) -> str:
    """Writes a new secret key down, for the owner's eyes alone, and returns the public one."""
    secret = x25519.Identity.generate()
    public = str(secret.to_public())
    try:
        file.touch(mode=0o600, exist_ok=False)
        file.write_text(f"# created: {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\n# public key: {public}\n{secret}\n")
    except FileExistsError as fault:
        raise CommandError(f"{file} is there already; name another file.") from fault
    except OSError as fault:
        raise CommandError(f"{file} cannot be written ({_reason(fault)}).") from fault
    return public


def _recipient(key: str) -> x25519.Recipient:
    try:
        return x25519.Recipient.from_str(key)
    except RecipientError as fault:
        raise CommandError(
            f"HEALTHTRACK_BACKUP_RECIPIENTS names {key[:8]}…, which is no public key of age; it begins age1."
        ) from fault


def _reason(fault: Exception) -> str:
    return fault.strerror or "" if isinstance(fault, OSError) else "it is no text"
