"""What each start does before it serves: reading the settings writes nothing, and asks nothing of the database."""

import os
import secrets
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from healthtrack.core import secret_files


def prepare_data_folder() -> None:
    """Make the data folder, the folder of the static files and, unless the environment names it, the secret key.

    Other users may pass through the data folder, because root's PostgreSQL runs as another user; they cannot list it,
    and its files are closed to them.
    """
    folder = Path(settings.HEALTHTRACK_DATA_DIR)
    try:
        folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        Path(settings.STATIC_ROOT).mkdir(exist_ok=True)
    except OSError as error:
        raise _unwritable(folder) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _unwritable(folder)
    if not settings.ENVIRONMENT.secret_key:
        secret_files.read_or_create(settings.SECRET_KEY_FILE, secrets.token_urlsafe(50))


def _unwritable(folder: Path) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"The data folder {folder} cannot be written; make it writable, or name another in HEALTHTRACK_DATA_DIR."
    )
