"""Create secrets once, and store each in a file that only its owner can read."""

import logging
import os
from contextlib import suppress
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

_logger = logging.getLogger(__name__)

_OTHERS = 0o077  # the permissions of the group and of everybody else


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


def read_key(file: Path, variable: str) -> str:
    """Return the key in the file that the first start created, unless the variable sets it."""
    try:
        return _read(file)
    except OSError as error:
        raise ImproperlyConfigured(
            f"A key is missing: {file} cannot be read ({error.strerror})."
            f" Set {variable}, or create the file with `manage.py prepare`."
        ) from error


def _read(file: Path) -> str:
    _protect(file)
    secret = file.read_text()
    if not secret:
        raise ImproperlyConfigured(f"{file} is empty. Delete it; the next start creates a new one.")
    return secret


def _protect(file: Path) -> None:
    """Make the file readable only by its owner, and say so, if others could read it."""
    if not file.stat().st_mode & _OTHERS:
        return
    try:
        file.chmod(0o600)
    except OSError as error:
        raise ImproperlyConfigured(
            f"Other users of this machine can read the secret in {file}. Run chmod 600 {file} as its owner."
        ) from error
    _logger.warning(
        "Other users of this machine could read the secret in %s. Now only its owner can; replace it if they may have.",
        file,
    )


def _write_once(file: Path, secret: str) -> None:
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        draft.touch(mode=0o600)
        draft.write_text(secret)
        with suppress(FileExistsError):
            file.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)
