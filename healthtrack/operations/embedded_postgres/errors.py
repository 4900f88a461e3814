"""The error of the embedded PostgreSQL."""

from django.core.management.base import CommandError
from django.db.utils import OperationalError


class EmbeddedPostgresError(CommandError, OperationalError):
    """Says in one sentence what to do. A command prints it without a traceback; other code sees an OperationalError."""


ALTERNATIVES = "set HEALTHTRACK_DATA_DIR to another folder, or DATABASE_URL to a PostgreSQL that runs already"
