"""Read CSV, TSV and XLSX files, recognised by their content, into batches of text columns."""

import re
from codecs import BOM_UTF8
from contextlib import AbstractContextManager
from pathlib import Path

from healthtrack.imports.limits import check_size
from healthtrack.imports.reading import delimited
from healthtrack.imports.reading.encodings import find_utf_16
from healthtrack.imports.reading.table import UNKNOWN_STRUCTURE, FileStructure, Table
from healthtrack.imports.row_errors import FileError, RowError

_ZIP = b"PK\x03\x04"
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"
_OTHER_FORMATS = (
    b"%PDF",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"PK\x05\x06",
    b"PK\x07\x08",
    b"\x1f\x8b",
    b"{\\rtf",
    b"<",
    b"\xff\xfe\x00\x00",
    b"ID;PWXL",
    b"MIME-Version:",
)
_JSON = re.compile(rb"\s*(\[\s*)?\{")
_HEAD_BYTES = 4096


def open_table(
    path: Path, structure: FileStructure = UNKNOWN_STRUCTURE, *, batch_rows: int = 0
) -> AbstractContextManager[Table]:
    """Open a file as a table, whatever its name says about its format.

    Raise FileError if the file is empty, too large, or in none of the three formats. With `batch_rows`, the
    first batch is a sample of about so many rows.
    """
    if is_workbook(path):
        from healthtrack.imports.reading import workbook  # noqa: PLC0415  (only workbooks need it)

        return workbook.open_workbook(path, structure, batch_rows=batch_rows)
    return delimited.open_text(path, structure, batch_rows=batch_rows)


def is_workbook(path: Path) -> bool:
    """Return whether a file is a workbook and not text. Raise FileError if it is neither, or empty or too large."""
    check_size(path.stat().st_size)
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head.strip(b"\xef\xbb\xbf \t\r\n"):
        raise FileError(RowError("The file is empty. Upload a file with a header line and rows below it."))
    if head.startswith(_ZIP):
        return True
    if head.startswith(_OLD_OFFICE):
        raise FileError(RowError("This is an old or encrypted Excel file. Save it as XLSX without a password."))
    text = head.removeprefix(BOM_UTF8)
    if text.startswith(_OTHER_FORMATS) or _JSON.match(text) or (_has_nul(head) and not find_utf_16(head)):
        raise FileError(RowError("This is not a CSV, TSV or XLSX file. Save the table in one of these formats."))
    return False


def _has_nul(head: bytes) -> bool:
    return b"\x00" in head.splitlines()[0]
