"""The limits of an upload, as the settings say."""

import math

from django.conf import settings
from django.template.defaultfilters import filesizeformat

from healthtrack.accounts.limits import Limit
from healthtrack.imports.row_errors import FileError, RowError

_SECONDS_OF_DAY = 24 * 60 * 60


def get_daily_limit() -> Limit:
    """Return the limit of how many times a person may upload in a day."""
    return Limit("uploads of", settings.UPLOADS_A_DAY, _SECONDS_OF_DAY)


def describe_used_up(limit: Limit) -> str:
    """Return the sentences about a daily limit that is reached."""
    hours = math.ceil(limit.seconds_left / 3600)
    return (
        f"You have uploaded {limit.maximum:,} times today, which is the limit."
        f" Upload again in {hours} hour{'' if hours == 1 else 's'}."
    )


def check_size(size: int) -> None:
    """Raise FileError if a file of this many bytes is too large."""
    limit = settings.IMPORT_MAX_BYTES
    if size > limit:
        raise _too_much(f"The file has {format_size(size)}; the limit is {format_size(limit)}.")


def check_rows(rows: int) -> None:
    """Raise FileError if a file has too many rows."""
    limit = settings.IMPORT_MAX_ROWS
    if rows > limit:
        raise _too_much(f"The file has {rows:,} rows; the limit is {limit:,}.")


def _too_much(reason: str) -> FileError:
    return FileError(RowError(f"{reason} Split it into several files."))


def format_size(size: int) -> str:
    """Return a number of bytes for people to read, such as 200 MB."""
    return filesizeformat(size).replace(".0", "")


def describe_limit(max_bytes: int) -> str:
    """Return the sentence about an upload that is larger than the limit."""
    return f"The file is larger than {format_size(max_bytes)}, the limit for an upload. Split it into several files."


def describe_limits() -> str:
    """Return the limits for people to read, such as "at most 200 MB and 5,000,000 rows"."""
    return f"at most {format_size(settings.IMPORT_MAX_BYTES)} and {settings.IMPORT_MAX_ROWS:,} rows"
