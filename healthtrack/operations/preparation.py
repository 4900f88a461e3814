"""Prepare a start: create the data folder, and check the database role. Reading the settings alone does neither."""

import logging
import os
import secrets
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError
from django.db import DEFAULT_DB_ALIAS, Error, OperationalError, connection
from psycopg.errors import UndefinedColumn, UndefinedFunction, UndefinedTable

from healthtrack.accounts.sign_in import key_rotation
from healthtrack.core import secret_files
from healthtrack.imports.uploads.local_copies import remove_old_copies
from healthtrack.operations.checks import check_role_cannot_rewrite_history
from healthtrack.operations.postgresql_releases import describe_if_outdated

logger = logging.getLogger(__name__)


def prepare_data_folder() -> None:
    """Create the data folder, the folder of the static files and, unless variables set them, the keys.

    Copies of uploads that killed processes left a day ago are removed.

    Other users can pass through the data folder but not list it or read its files: if root starts HealthTrack, its
    PostgreSQL runs as another user.
    """
    folder = Path(settings.HEALTHTRACK_DATA_DIR)
    try:
        folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        Path(settings.STATIC_ROOT).mkdir(exist_ok=True)
    except OSError as error:
        raise _unwritable(folder) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _unwritable(folder)
    remove_old_copies()
    if not settings.ENVIRONMENT.secret_key:
        secret_files.read_or_create(settings.SECRET_KEY_FILE, secrets.token_urlsafe(50))
    if not settings.ENVIRONMENT.totp_keys:
        secret_files.read_or_create(settings.TOTP_KEY_FILE, secrets.token_hex(32))


def refuse_role_that_can_rewrite_history() -> None:
    """In production, raise CommandError if the role can change the history, or if the database does not answer."""
    if not settings.PRODUCTION:
        return
    try:
        errors = check_role_cannot_rewrite_history(databases=[DEFAULT_DB_ALIAS])
    except Error as error:
        raise as_command_error(error) from error
    finally:
        connection.close()
    if errors:
        raise CommandError("\n".join(f"{error.msg} {error.hint}" for error in errors))


def outdated_postgresql() -> str:
    """Return a sentence if the server lacks security fixes; otherwise, or if it does not answer, an empty text."""
    try:
        return describe_if_outdated(connection.pg_version)  # type: ignore[attr-defined]  # of the PostgreSQL backend
    except Error:
        return ""  # the server or the worker says so


def log_outdated_postgresql() -> None:
    """Log one line if the server lacks security fixes."""
    if sentence := outdated_postgresql():
        logger.warning(sentence)


def log_problems_with_keys_of_apps() -> None:
    """Log a line for each problem with the keys of authenticator apps."""
    with suppress(Error):  # before the migrations, or without a database: others say so
        for sentence in key_rotation.describe_problems():
            logger.warning(sentence)


def explain(error: Error) -> str:
    """Return a sentence if the error means that the database is missing, wrong or does not answer; otherwise ''."""
    if isinstance(error.__cause__, (UndefinedColumn, UndefinedFunction, UndefinedTable)):
        name = connection.settings_dict["NAME"]
        return (
            f"The database {name} lacks tables, columns or functions of HealthTrack. If DATABASE_URL names the right"
            " database, run `manage.py migrate`."
        )
    return str(as_command_error(error)) if isinstance(error, OperationalError) else ""


def as_command_error(error: Error) -> CommandError:
    """Return a CommandError with the first line of the database error."""
    if isinstance(error, CommandError):
        return error
    (reason, *_) = str(error).strip().splitlines() or [type(error).__name__]
    return CommandError(f"The database cannot be used: {reason}")


def _unwritable(folder: Path) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"The data folder {folder} is not writable. Make it writable, or set HEALTHTRACK_DATA_DIR to another folder."
    )
