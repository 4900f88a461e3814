"""What an upload may hold at most, by setting."""

from django.conf import settings
from django.template.defaultfilters import filesizeformat

from healthtrack.imports.row_errors import Fault, FileRefusedError


def check_size(size: int) -> None:
    most = settings.IMPORT_MOST_BYTES
    if size > most:
        reason = f"The file has {size_in_words(size)}, and at most {size_in_words(most)} may be uploaded at once"
        raise FileRefusedError(Fault(f"{reason}; part it into several files."))


def check_rows(rows: int) -> None:
    most = settings.IMPORT_MOST_ROWS
    if rows > most:
        reason = f"The file has {rows:,} rows, and at most {most:,} may be uploaded at once"
        raise FileRefusedError(Fault(f"{reason}; part it into several files."))


def size_in_words(size: int) -> str:
    return filesizeformat(size).replace(".0", "")


def in_words() -> str:
    return f"at most {size_in_words(settings.IMPORT_MOST_BYTES)} and {settings.IMPORT_MOST_ROWS:,} rows"
