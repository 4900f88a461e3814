"""The ZIP archive that a workbook is, judged by its list of parts before any of it is unpacked.

The list can be relied on: the archive's reader unpacks no more of a part than the list says.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from itertools import pairwise
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo
from zlib import error as zlib_error

from healthtrack.imports.row_errors import Fault, FileRefusedError

MOST_UNPACKED_BYTES = 2 * 1024**3
MOST_PACKED_RATIO = 50  # the tables that people keep have a third of it at the most
SMALL_PART = 2 * 1024**2
MOST_PARTS = 2000
MOST_LISTED_BYTES = 1024**2
_PIECE = 2**16
_LOCAL_HEADER = 30
_ENCRYPTED = 1
_PACKINGS = {ZIP_STORED, ZIP_DEFLATED}
_MACROS = ("vbaproject.bin", "vbadata.xml")
_MACRO_SHEETS = "xl/macrosheets/"
# What the archive's reader raises when the bytes are damaged: places before the file's beginning, names in no encoding.
_DAMAGES = (BadZipFile, zlib_error, RuntimeError, EOFError, KeyError, OSError, OverflowError, ValueError)


class _File(FileIO):
    """Hands out no more at once than the list of a workbook's parts may have."""

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = size if size is not None and size >= 0 else os.fstat(self.fileno()).st_size - self.tell()
        if wanted > MOST_LISTED_BYTES:
            raise BadZipFile("The list of parts is too long.")
        return super().read(wanted)


@contextmanager
def open_archive(path: Path) -> Iterator[ZipFile]:
    """Raises FileRefusedError when it is damaged or may not be unpacked."""
    with _File(path) as file:
        try:
            archive = ZipFile(file)
        except _DAMAGES as fault:
            raise unreadable() from fault
        with archive:
            _judge(archive)
            yield archive


def pieces_of(archive: ZipFile, part: str) -> Iterator[bytes]:
    try:
        with archive.open(part) as file:
            while piece := file.read(_PIECE):
                yield piece
    except _DAMAGES as fault:
        raise unreadable() from fault


def unreadable() -> FileRefusedError:
    return FileRefusedError(Fault("The file is not an XLSX workbook that can be read; save it anew as XLSX or as CSV."))


def _judge(archive: ZipFile) -> None:
    parts = archive.infolist()
    names = {part.filename.lower() for part in parts}
    if "xl/workbook.xml" not in names or len(names) < len(parts) or any(map(_is_outside, names)):
        raise unreadable()
    if len(parts) > MOST_PARTS or _unpacks_to_too_much(parts):
        raise FileRefusedError(Fault("The file unpacks to far more than its size; save the table as CSV."))
    if any(part.flag_bits & _ENCRYPTED for part in parts):
        raise FileRefusedError(Fault("The file is locked with a password; save it as XLSX without one."))
    if _overlap(parts, archive.start_dir) or any(
        part.compress_type not in {ZIP_STORED, ZIP_DEFLATED} for part in parts
    ):
        raise unreadable()
    if any(name.endswith(_MACROS) or name.startswith(_MACRO_SHEETS) for name in names):
        raise FileRefusedError(Fault("The workbook holds macros; save it as XLSX without them, or as CSV."))


def _is_outside(name: str) -> bool:
    return name.startswith("/") or "\\" in name or ".." in name.split("/")


def _unpacks_to_too_much(parts: list[ZipInfo]) -> bool:
    return sum(part.file_size for part in parts) > MOST_UNPACKED_BYTES or any(
        part.file_size > max(SMALL_PART, MOST_PACKED_RATIO * part.compress_size) for part in parts
    )


def _overlap(parts: list[ZipInfo], end: int) -> bool:
    begun = sorted((part.header_offset, part.compress_size + len(part.orig_filename)) for part in parts)
    return any(
        start + _LOCAL_HEADER + size > following for (start, size), (following, _) in pairwise([*begun, (end, 0)])
    )
