"""Create secrets once, and store each in a file that only its owner can read."""

import os
from contextlib import suppress
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def read_or_create(file: Path, secret: str) -> str:
    """Return the content of the file; write the secret to it first if it does not exist.

    If several processes call this at once, all get the secret of the first: making a hard link is atomic.
    """
    try:
        if not file.exists():
            _write_once(file, secret)
        return _read(file)
    except OSError as error:
        raise ImproperlyConfigured(f"{file} cannot be read or written ({error.strerror}).") from error


def read_key(file: Path) -> str:
    """Return the key that signs sessions, from the file that the first start created."""
    try:
        return _read(file)
    except OSError as error:
        raise ImproperlyConfigured(
            f"There is no key to sign sessions with: {file} cannot be read ({error.strerror})."
            " Set HEALTHTRACK_SECRET_KEY, or create the file with `manage.py prepare`."
        ) from error


def _read(file: Path) -> str:
    secret = file.read_text()
    if not secret:
        raise ImproperlyConfigured(f"{file} is empty. Delete it; the next start creates a new one.")
    return secret


def _write_once(file: Path, secret: str) -> None:
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        draft.touch(mode=0o600)
        draft.write_text(secret)
        with suppress(FileExistsError):
            file.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)
