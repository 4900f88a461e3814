"""The parts of uploads: a plain file, what a gzip file holds, or each file of a zip or tar archive; as streams."""

import gzip
import struct
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import IO
from zipfile import ZIP_DEFLATED, BadZipFile, ZipExtFile, ZipFile, ZipInfo

from django.conf import settings

from healthtrack.imports.importer import StoredFile
from healthtrack.imports.limits import format_size
from healthtrack.imports.row_errors import DamageError, FileError, RowError
from healthtrack.imports.tar_archives import is_tar, read_members

_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_MAX_NESTED_BYTES = 4 * 1024**3
_MAX_PARTS = 25_000
# Of a tar archive, the first bytes show what it is.
_QUICK_BYTES = 64 * 2**20
# As many bytes of each part are read to recognize its format.
BEGINNING_BYTES = 2048
# Of what is packed, so much is unpacked at once, because nothing of it can be read if it is damaged.
_PIECE_BYTES = 2**16
_DAMAGE = (
    BadZipFile,
    zlib.error,
    gzip.BadGzipFile,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    struct.error,
)


@dataclass(frozen=True)
class Part:
    """One file of an upload; `number` counts the parts of all files from 1.

    In an archive, `path` is the name there; within an archive in an archive, it begins with the name of that archive.
    `beginning` has the first bytes, unpacked. Nothing of a part that `is_damaged` can be read.
    """

    number: int
    file: StoredFile
    path: str = ""
    archive: ZipFile | None = field(default=None, repr=False, compare=False)
    info: ZipInfo | None = field(default=None, repr=False, compare=False)
    beginning: bytes = field(default=b"", repr=False, compare=False)
    is_damaged: bool = False

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).name or self.file.name

    @property
    def size(self) -> int:
        """Return the number of bytes, unpacked if the part is in an archive."""
        return self.info.file_size if self.info else self.file.size

    @property
    def folder(self) -> PurePosixPath:
        """Return the folder within the archive."""
        return PurePosixPath(self.path).parent

    def make_section(self, number: int, name: str) -> "Part":
        """Return a part for a section of this one, such as a table of a database, so that its positions can be named.

        The sections of a part are numbered from 1.
        """
        return replace(self, number=self.number + number * _MAX_PARTS, path=f"{self.path or self.file.name}/{name}")

    @property
    def patient_names(self) -> Sequence[str]:
        """Return what may be a patient's number: the name of the file without its endings, and those of its folders."""
        path = PurePosixPath(self.path or self.file.name)
        folders = [folder.removesuffix(".zip").removesuffix(".tgz") for folder in reversed(path.parent.parts)]
        return [path.name.split(".")[0], *folders, self.file.name.split(".")[0]]


@dataclass(frozen=True)
class Container:
    """Parts of one archive that belong together, such as the files of an export."""

    parts: Sequence[Part]

    @property
    def number(self) -> int:
        return self.parts[0].number

    @property
    def file(self) -> StoredFile:
        return self.parts[0].file

    @property
    def name(self) -> str:
        return self.parts[0].name

    @property
    def patient_names(self) -> Sequence[str]:
        """Return what may be the number of the patient whose parts these are: the folders that all of them are in."""
        common = [set(part.patient_names[1:]) for part in self.parts]
        return [name for name in self.parts[0].patient_names[1:] if all(name in names for names in common)]


@contextmanager
def open_files(files: Sequence[StoredFile], *, is_quick: bool = False) -> Iterator[list[Part]]:
    """Return the parts of the files, in their order; they can be opened until the context ends.

    Archives within archives are opened too, unless it has to be quick. Raise FileError if an archive is damaged, has
    too many files or too large ones, or names that lead out of it.
    """
    with ExitStack() as stack:
        listing = _Listing(stack, may_nest=not is_quick)
        for file in files:
            listing.add_file(file)
        yield listing.parts


class _Listing:
    """Collects the parts of files."""

    def __init__(self, stack: ExitStack, *, may_nest: bool) -> None:
        self.stack, self.may_nest = stack, may_nest
        self.parts: list[Part] = []
        self.unpacked = 0

    def add_file(self, file: StoredFile) -> None:
        with file.path.open("rb") as opened:
            beginning = opened.read(BEGINNING_BYTES)
        if beginning.startswith(_ZIP):
            try:
                archive = self.stack.enter_context(ZipFile(file.path))
            except _DAMAGE as error:
                raise damaged(file.name) from error
            self._add_archive(file, archive, "", may_nest=self.may_nest)
            return
        if beginning.startswith(_GZIP):
            with gzip.open(file.path) as unpacked:
                beginning = Limited(unpacked, file.name).read(BEGINNING_BYTES)
        part = Part(len(self.parts) + 1, file, beginning=beginning)
        if is_tar(beginning):
            self._add_archive(file, self._repack(part), "", may_nest=self.may_nest)
        else:
            self._add(part)

    def _add(self, part: Part) -> None:
        self.parts.append(part)
        if len(self.parts) > _MAX_PARTS:
            raise FileError(RowError(f"The upload has more than {_MAX_PARTS:,} files, which is the limit."))

    def _add_archive(self, file: StoredFile, archive: ZipFile, folder: str, *, may_nest: bool) -> None:
        found = sorted((info for info in archive.infolist() if _is_content(info)), key=lambda info: info.filename)
        if not found:
            raise FileError(RowError(f"The archive {folder or file.name} has no files."))
        for info in found:
            self._check(file, info)
            path = f"{folder}/{info.filename}" if folder else info.filename
            part = Part(len(self.parts) + 1, file, path, archive, info)
            try:
                with open_part(part) as stream:
                    beginning = stream.read(BEGINNING_BYTES)
            except DamageError:  # the other files may be whole
                self._add(replace(part, is_damaged=True))
                continue
            if may_nest and (beginning.startswith(_ZIP) or is_tar(beginning)):
                inner = self._repack(part) if is_tar(beginning) else self._unpack(part)
                self._add_archive(file, inner, path, may_nest=False)
            else:
                self._add(replace(part, beginning=beginning))

    def _check(self, file: StoredFile, info: ZipInfo) -> None:
        path = PurePosixPath(info.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts:
            reason = f"The archive {file.name} has a file whose path leads out of it."
            raise FileError(RowError(reason, value=str(path)))
        if info.flag_bits & 1:
            raise FileError(RowError(f"The archive {file.name} is encrypted. Upload it without a password."))
        if info.header_offset < 0:  # bytes are missing before it
            raise damaged(file.name)
        self.unpacked += info.file_size
        if self.unpacked > settings.READINGS_MAX_UNPACKED_BYTES:
            limit = format_size(settings.READINGS_MAX_UNPACKED_BYTES)
            raise FileError(RowError(f"The files of {file.name} have more than {limit} when unpacked."))

    def _unpack(self, part: Part) -> ZipFile:
        """Return an archive that is in an archive, after writing it into a temporary file."""
        if part.size > _MAX_NESTED_BYTES:
            limit = format_size(_MAX_NESTED_BYTES)
            raise FileError(RowError(f"The archive {part.name} in an archive has more than {limit}. Upload it alone."))
        unpacked = self.stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 (the stack closes it)
        with open_part(part) as stream:
            while data := stream.read(2**20):
                unpacked.write(data)
        try:
            return self.stack.enter_context(ZipFile(unpacked))
        except _DAMAGE as error:
            raise damaged(part.name) from error

    def _repack(self, part: Part) -> ZipFile:
        """Return the files of a tar archive as a zip archive, of which parts can be opened in any order.

        If it has to be quick, they are only the first ones.
        """
        packed = self.stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 (the stack closes it)
        archive = self.stack.enter_context(ZipFile(packed, "w", ZIP_DEFLATED, compresslevel=1))
        with open_part(part) as stream, self._report_damage(part):
            for member in read_members(stream, part.name):
                with archive.open(ZipInfo(member.name), "w", force_zip64=True) as copy:
                    for piece in member.content:
                        copy.write(piece)
                is_enough = not self.may_nest and stream.read_bytes > _QUICK_BYTES
                if is_enough or len(archive.filelist) > _MAX_PARTS:
                    break
        return archive

    @contextmanager
    def _report_damage(self, part: Part) -> Iterator[None]:
        """Let an archive that is damaged be a part of its own, after the files that it had until there."""
        try:
            yield
        except DamageError:
            self._add(replace(part, is_damaged=True, beginning=b""))


def _is_content(info: ZipInfo) -> bool:
    """Return whether a member of an archive is a file that people know of."""
    name = PurePosixPath(info.filename).name
    is_folder = not name or info.filename.endswith("/")
    return not (is_folder or name.startswith(".") or "__MACOSX" in info.filename)


@contextmanager
def open_part(part: Part) -> Iterator["Limited"]:
    """Open a part as bytes. What reads it raises FileError if it is damaged, cut off, or too large when unpacked."""
    with ExitStack() as stack:
        stream: IO[bytes] | gzip.GzipFile
        if part.archive and part.info:
            try:
                stream = stack.enter_context(part.archive.open(part.info))
            except _DAMAGE as error:
                raise damaged(part.name) from error
            if part.info.filename.endswith((".gz", ".tgz")):
                stream = stack.enter_context(gzip.open(stream))
        else:
            stream = stack.enter_context(part.file.path.open("rb"))
            if stream.read(len(_GZIP)) == _GZIP:
                stream = stack.enter_context(gzip.open(part.file.path))
            else:
                stream.seek(0)
        yield Limited(stream, part.name)


class Limited:
    """A stream that ends with FileError at the limit of unpacked bytes."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile, name: str) -> None:
        self.stream, self.name = stream, name
        self.is_packed = isinstance(stream, gzip.GzipFile | ZipExtFile)
        self.read_bytes = 0
        self.damage: Exception | None = None

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes. Of a damaged file, those before the damage are returned before the error."""
        data = self._read_packed(size) if self.is_packed else self.stream.read(size)
        if self.damage and not data:
            raise damaged(self.name, self.read_bytes) from self.damage
        self.read_bytes += len(data)
        if self.read_bytes > settings.READINGS_MAX_UNPACKED_BYTES:
            limit = format_size(settings.READINGS_MAX_UNPACKED_BYTES)
            raise FileError(RowError(f"The file {self.name} has more than {limit} when unpacked."))
        return data

    def _read_packed(self, size: int) -> bytes:
        pieces, length = [], 0
        while length < size and not self.damage:
            try:
                piece = self.stream.read1(min(size - length, _PIECE_BYTES))  # type: ignore[union-attr]  # all these have it
            except _DAMAGE as error:
                self.damage = error
                break
            if not piece:
                break
            pieces.append(piece)
            length += len(piece)
        return b"".join(pieces)


def damaged(name: str, place: int | None = None) -> DamageError:
    """Return the error of a file that is cut off or damaged; `place` is how many bytes of it were read, unpacked."""
    after = f" after {place:,} bytes" if place else ""
    return DamageError(
        RowError(f"The file {name} is damaged or was cut off{after}. Get it again, and upload it as a whole.")
    )
