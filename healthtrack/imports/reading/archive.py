"""The ZIP archive of a workbook, checked by its list of parts before any part is unpacked.

The list can be trusted: zipfile never unpacks more of a part than the list states.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from itertools import pairwise
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo
from zlib import error as zlib_error

from healthtrack.imports.row_errors import FileError, RowError

MAX_UNPACKED_BYTES = 2 * 1024**3
MAX_COMPRESSION_RATIO = 50  # three times that of the most repetitive ordinary tables
# Smaller parts may have any compression ratio.
SMALL_PART_BYTES = 2 * 1024**2
MAX_PARTS = 2000
MAX_LIST_BYTES = 1024**2
_CHUNK_BYTES = 2**16
_LOCAL_HEADER_BYTES = 30
_ENCRYPTED = 1
_COMPRESSION_METHODS = {ZIP_STORED, ZIP_DEFLATED}
_MACROS = ("vbaproject.bin", "vbadata.xml")
_MACRO_SHEETS = "xl/macrosheets/"
# Other files that are ZIP archives, by a part that they have.
_OTHER_FORMATS = {
    "xl/workbook.bin": "a binary Excel workbook (XLSB)",
    "content.xml": "an OpenDocument file (ODS)",
    "index/document.iwa": "a file of Apple Numbers",
    "word/document.xml": "a Word document",
}
# What zipfile raises for damaged bytes, such as offsets before the beginning of the file and names in no encoding.
_DAMAGE_ERRORS = (BadZipFile, zlib_error, RuntimeError, EOFError, KeyError, OSError, OverflowError, ValueError)


class _LimitedFile(FileIO):
    """A file that refuses to read more at once than the list of a workbook's parts may occupy."""

    def read(self, size: int | None = -1, /) -> bytes:
        requested = size if size is not None and size >= 0 else os.fstat(self.fileno()).st_size - self.tell()
        if requested > MAX_LIST_BYTES:
            raise BadZipFile("The list of parts is too long.")
        return super().read(requested)


@contextmanager
def open_archive(path: Path) -> Iterator[ZipFile]:
    """Open a workbook's archive. Raise FileError if it is damaged or not safe to unpack."""
    with _LimitedFile(path) as file:
        try:
            archive = ZipFile(file)
        except _DAMAGE_ERRORS as error:
            raise unreadable_workbook() from error
        with archive:
            _check_parts(archive)
            yield archive


def read_chunks(archive: ZipFile, part: str) -> Iterator[bytes]:
    """Return the bytes of a part in chunks. Raise FileError if the part is missing or damaged."""
    try:
        with archive.open(part) as file:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk
    except _DAMAGE_ERRORS as error:
        raise unreadable_workbook() from error


def unreadable_workbook() -> FileError:
    """Return the error to raise for a workbook that cannot be read."""
    return FileError(RowError("This is not a readable XLSX workbook. Save it again as XLSX or as CSV."))


def _check_parts(archive: ZipFile) -> None:
    parts = archive.infolist()
    names = {part.filename.lower() for part in parts}
    if "xl/workbook.xml" not in names and (
        other := next((_OTHER_FORMATS[name] for name in names & {*_OTHER_FORMATS}), "")
    ):
        raise FileError(RowError(f"This is {other}. Save the table as XLSX or as CSV."))
    if "xl/workbook.xml" not in names or len(names) < len(parts) or any(map(_is_outside, names)):
        raise unreadable_workbook()
    if len(parts) > MAX_PARTS or _unpacks_to_too_much(parts):
        raise FileError(RowError("The file unpacks to far more than its size. Save the table as CSV."))
    if any(part.flag_bits & _ENCRYPTED for part in parts):
        raise FileError(RowError("The file is protected by a password. Save it as XLSX without a password."))
    if _overlap(parts, archive.start_dir) or any(part.compress_type not in _COMPRESSION_METHODS for part in parts):
        raise unreadable_workbook()
    if any(name.endswith(_MACROS) or name.startswith(_MACRO_SHEETS) for name in names):
        raise FileError(RowError("The workbook contains macros. Save it as XLSX without macros, or as CSV."))


def _is_outside(name: str) -> bool:
    return name.startswith("/") or "\\" in name or ".." in name.split("/")


def _unpacks_to_too_much(parts: list[ZipInfo]) -> bool:
    return sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES or any(
        part.file_size > max(SMALL_PART_BYTES, MAX_COMPRESSION_RATIO * part.compress_size) for part in parts
    )


def _overlap(parts: list[ZipInfo], end: int) -> bool:
    sizes = sorted((part.header_offset, part.compress_size + len(part.orig_filename)) for part in parts)
    return any(
        start + _LOCAL_HEADER_BYTES + size > next_start
        for (start, size), (next_start, _) in pairwise([*sizes, (end, 0)])
    )
