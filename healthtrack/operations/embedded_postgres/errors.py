from django.core.management.base import CommandError
from django.db.utils import OperationalError


class EmbeddedPostgresError(CommandError, OperationalError):
    """One sentence that says what to do; a command prints it bare, other code meets an OperationalError."""


OTHER_WAYS = "set HEALTHTRACK_DATA_DIR to another folder, or DATABASE_URL to a PostgreSQL that runs already"
