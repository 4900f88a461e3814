"""The parts of uploaded files: a plain file, what a gzip file holds, or each file of a zip archive; as streams."""

import gzip
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO
from zipfile import BadZipFile, ZipFile

from django.conf import settings

from healthtrack.imports.importer import StoredFile
from healthtrack.imports.limits import format_size
from healthtrack.imports.row_errors import FileError, RowError

_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_MAX_PARTS = 10_000
_DAMAGE = (BadZipFile, zlib.error, gzip.BadGzipFile, EOFError, NotImplementedError, RuntimeError)


@dataclass(frozen=True)
class Part:
    """One text file of an upload; `number` counts the parts of all files from 1. `member` is its path in an archive."""

    number: int
    file: StoredFile
    member: str = ""

    @property
    def name(self) -> str:
        return PurePosixPath(self.member).name or self.file.name

    @property
    def patient_names(self) -> Sequence[str]:
        """Return what may be a patient's number: the name of the file without its endings, and those of its folders."""
        path = PurePosixPath(self.member or self.file.name)
        return [path.name.split(".")[0], *(folder for folder in reversed(path.parent.parts))]


def list_parts(files: Sequence[StoredFile]) -> list[Part]:
    """Return the parts of the files, in their order. Raise FileError if an archive is damaged or has too many."""
    parts: list[Part] = []
    for file in files:
        for member in _list_members(file):
            parts.append(Part(len(parts) + 1, file, member))
    if len(parts) > _MAX_PARTS:
        raise FileError(RowError(f"The upload has {len(parts):,} files; the limit is {_MAX_PARTS:,}."))
    return parts


def _list_members(file: StoredFile) -> list[str]:
    if _read_beginning(file) != _ZIP:
        return [""]
    try:
        with ZipFile(file.path) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
    except _DAMAGE as error:
        raise damaged(file.name) from error
    members = [name for name in names if not PurePosixPath(name).name.startswith(".") and "__MACOSX" not in name]
    if not members:
        raise FileError(RowError(f"The archive {file.name} has no files."))
    return sorted(members)


def _read_beginning(file: StoredFile) -> bytes:
    with file.path.open("rb") as opened:
        return opened.read(len(_ZIP))


@contextmanager
def open_part(part: Part) -> Iterator["Limited"]:
    """Open a part as bytes. What reads it raises FileError if it is damaged, cut off, or too large when unpacked."""
    if part.member:
        with ZipFile(part.file.path) as archive, archive.open(part.member) as member:
            yield Limited(member, part)
    elif _read_beginning(part.file).startswith(_GZIP):
        with gzip.open(part.file.path) as unpacked:
            yield Limited(unpacked, part)
    else:
        with part.file.path.open("rb") as plain:
            yield Limited(plain, part)


class Limited:
    """A stream that ends with FileError at the limit of unpacked bytes."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile, part: Part) -> None:
        self.stream, self.part = stream, part
        self.read_bytes = 0

    def read(self, size: int) -> bytes:
        try:
            data = self.stream.read(size)
        except _DAMAGE as error:
            raise damaged(self.part.name) from error
        self.read_bytes += len(data)
        if self.read_bytes > settings.READINGS_MAX_UNPACKED_BYTES:
            limit = format_size(settings.READINGS_MAX_UNPACKED_BYTES)
            raise FileError(RowError(f"The file {self.part.name} has more than {limit} when unpacked."))
        return data


def damaged(name: str) -> FileError:
    """Return the error of a file that is cut off or damaged."""
    return FileError(RowError(f"The file {name} is damaged or was cut off. Get it again, and upload it as a whole."))
