"""What each start does before it serves: reading the settings writes nothing, and asks nothing of the database."""

import os
import secrets
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError
from django.db import DEFAULT_DB_ALIAS, Error, connection

from healthtrack.core import secret_files
from healthtrack.operations.checks import check_role_cannot_rewrite_history


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


def refuse_role_that_can_rewrite_history() -> None:
    """In production, end the start with the reason and the remedy; a database that does not answer ends it too."""
    if not settings.PRODUCTION:
        return
    try:
        errors = check_role_cannot_rewrite_history(databases=[DEFAULT_DB_ALIAS])
    except Error as error:
        raise database_fault(error) from error
    finally:
        connection.close()
    if errors:
        raise CommandError("\n".join(f"{error.msg} {error.hint}" for error in errors))


def database_fault(fault: Error) -> CommandError:
    """Return the first line of a database error as the error of a command."""
    if isinstance(fault, CommandError):
        return fault
    (reason, *_) = str(fault).strip().splitlines() or [type(fault).__name__]
    return CommandError(f"The database cannot be used: {reason}")


def _unwritable(folder: Path) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"The data folder {folder} cannot be written; make it writable, or name another in HEALTHTRACK_DATA_DIR."
    )
