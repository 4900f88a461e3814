"""Reads CSV, TSV and XLSX files, told apart by their content, into batches of text columns."""

import re
from contextlib import AbstractContextManager
from pathlib import Path

from healthtrack.imports.limits import check_size
from healthtrack.imports.reading import delimited, workbook
from healthtrack.imports.reading.table import Table
from healthtrack.imports.row_errors import Fault, FileRefusedError

_ZIP = b"PK\x03\x04"
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_OTHER_KINDS = (
    b"%PDF",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"PK\x05\x06",
    b"PK\x07\x08",
    b"\x1f\x8b",
    b"{\\rtf",
    b"<",
)
_JSON = re.compile(rb"\s*(\[\s*)?\{")
_HEAD_BYTES = 4096


def open_table(path: Path) -> AbstractContextManager[Table]:
    """Opens a file as a table.

    Raises FileRefusedError when the file is of none of these kinds, is empty or too big.
    """
    check_size(path.stat().st_size)
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head.strip(b"\xef\xbb\xbf \t\r\n"):
        raise FileRefusedError(Fault("The file is empty; upload one with a header line and rows below it."))
    if head.startswith(_ZIP):
        return workbook.open_workbook(path)
    if head.startswith(_OLD_OFFICE):
        raise FileRefusedError(Fault("This is an old or an encrypted Excel file; save it as XLSX without a password."))
    if head.startswith(_UTF_16):
        raise FileRefusedError(Fault("The file is encoded in UTF-16; save it as “CSV UTF-8”."))
    if head.startswith(_OTHER_KINDS) or _JSON.match(head) or b"\x00" in head.splitlines()[0]:
        raise FileRefusedError(Fault("This is neither a CSV or TSV file nor XLSX; save the table as one of these."))
    return delimited.open_text(path)
