"""The limits of an upload, as the settings say."""

from django.conf import settings
from django.template.defaultfilters import filesizeformat

from healthtrack.imports.row_errors import FileError, RowError


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
