"""Tar archives, of which only ordinary files are read, one after the other and in little memory.

Python's tarfile reads names of any length into memory, and knows links and devices, which nobody needs here.
"""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple, Protocol

from healthtrack.imports.row_errors import DamageError, FileError, RowError

_BLOCK = 512
_MAGIC, _MAGIC_PLACE = b"ustar", 257
_PIECE_BYTES = 2**20
_MAX_NAME_BYTES = 2**16
_FILES, _FOLDER, _LONG_NAME, _PAX, _SKIPPED = {b"0", b"\0", b"7"}, b"5", b"L", b"x", {b"g", b"K"}


class Stream(Protocol):
    """What bytes are read from."""

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes; none at the end."""


class Member(NamedTuple):
    """A file of an archive. Its content must be read before the next member."""

    name: str
    size: int
    content: Iterator[bytes]


def is_tar(beginning: bytes) -> bool:
    """Return whether a file begins as a tar archive does."""
    return beginning[_MAGIC_PLACE:].startswith(_MAGIC)


def read_members(stream: Stream, name: str) -> Iterator[Member]:
    """Yield the files of an archive; `name` is that of the archive.

    Raise FileError if it has links or devices, or paths that lead out of it, and DamageError where it is damaged.
    """
    longer_name, longer_size = "", None
    while header := _read_header(stream, name):
        kind, size = header[156:157], _parse_number(header[124:136], name)
        if kind in {_LONG_NAME, _PAX, *_SKIPPED}:
            if size > _MAX_NAME_BYTES:
                raise _refuse(name, "has a file with a name that is too long")
            content = b"".join(_read_content(stream, size, name))
            if kind == _LONG_NAME:
                longer_name = _decode(content)
            elif kind == _PAX:
                longer_name, longer_size = _parse_pax(content, name)
            continue
        path = longer_name or _join_name(header)
        size = size if longer_size is None else longer_size
        longer_name, longer_size = "", None
        if kind == _FOLDER:
            continue
        if kind not in _FILES:
            raise _refuse(name, "has a link, a device or another special file", path)
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path.replace("\\", "/")).parts:
            raise _refuse(name, "has a file whose path leads out of it", path)
        content_pieces = _read_content(stream, size, name)
        yield Member(path, size, content_pieces)
        for _ in content_pieces:  # what nobody has read
            pass


def _read_header(stream: Stream, name: str) -> bytes:
    """Return the next header; nothing at the end of the archive."""
    header = _read_exactly(stream, _BLOCK, name)
    if not header.strip(b"\0"):
        return b""
    unsigned = sum(header[:148]) + sum(header[156:]) + 8 * ord(" ")
    if not is_tar(header) or _parse_number(header[148:156], name) != unsigned:
        raise _damaged(name)
    return header


def _read_exactly(stream: Stream, size: int, name: str) -> bytes:
    data = b""
    while len(data) < size and (piece := stream.read(size - len(data))):
        data += piece
    if len(data) < size:
        raise _damaged(name)
    return data


def _read_content(stream: Stream, size: int, name: str) -> Iterator[bytes]:
    """Yield the content of a member, and skip the zeros after it."""
    left = size
    while left:
        piece = stream.read(min(left, _PIECE_BYTES))
        if not piece:
            raise _damaged(name)
        left -= len(piece)
        yield piece
    _read_exactly(stream, -size % _BLOCK, name)


def _parse_number(field: bytes, name: str) -> int:
    """Return a number, which has octal digits, or is binary if it is large."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:])
    text = field.rstrip(b"\0 ").lstrip(b" ")
    if not text.isdigit():
        raise _damaged(name)
    try:
        return int(text, 8)
    except ValueError as error:
        raise _damaged(name) from error


def _join_name(header: bytes) -> str:
    own, prefix = (_decode(header[begin:end]) for begin, end in ((0, 100), (345, 500)))
    is_posix = header[_MAGIC_PLACE + 5 : _MAGIC_PLACE + 6] == b"\0"  # GNU has times there
    return f"{prefix}/{own}" if prefix and is_posix else own


def _parse_pax(content: bytes, name: str) -> tuple[str, int | None]:
    """Return the path and the size that an extended header states: lines of length, name and value."""
    found: dict[bytes, bytes] = {}
    while content:
        length, _, _ = content.partition(b" ")
        if not length.isdigit() or not len(length) < int(length[:8]) <= len(content):
            raise _damaged(name)
        line, content = content[len(length) + 1 : int(length)], content[int(length) :]
        key, _, value = line.rstrip(b"\n").partition(b"=")
        found[key] = value
    size = found.get(b"size")
    if size is not None and not (size.isdigit() and len(size) < 20):
        raise _damaged(name)
    return _decode(found.get(b"path", b"")), None if size is None else int(size)


def _decode(name: bytes) -> str:
    return name.split(b"\0")[0].decode("utf-8", "replace")


def _damaged(name: str) -> DamageError:
    return DamageError(
        RowError(f"The archive {name} is damaged or was cut off. Get it again, and upload it as a whole.")
    )


def _refuse(name: str, what: str, path: str = "") -> FileError:
    return FileError(RowError(f"The archive {name} {what}. Upload its files in a zip archive.", value=path or None))
