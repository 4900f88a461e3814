"""Uploaded files while their runs are open: in Django's storage, under random names, never served.

A file that arrived as a whole is one object of the storage. One that a browser sent in chunks is a folder of numbered
chunks, which nobody puts together before it is read.
"""

import re
import secrets
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from healthtrack.imports.uploads.storage_errors import StorageError, storage_errors

if TYPE_CHECKING:
    from django.core.files import File

_MIN_AGE_SECONDS = 60 * 60  # a younger file without a run may still be arriving
_READ_BYTES = 2**20
_NAME = re.compile(r"[0-9a-f]{32}")
_CHUNKS = "-chunks"


@dataclass(frozen=True)
class Upload:
    """A stored upload, by its random name."""

    name: str

    @classmethod
    def make(cls) -> "Upload":
        """Return an upload with a new name; nothing of it is stored yet."""
        return cls(secrets.token_hex(16))

    @property
    def path(self) -> Path | None:
        """Return where the whole file is on this machine; None if it is elsewhere or in chunks."""
        path = find_local_path(self.name)
        return path if path and path.is_file() else None

    @property
    def _folder(self) -> str:
        return self.name + _CHUNKS

    def save(self, content: "File[bytes]") -> None:
        """Store the file as a whole. If the storage is a folder of this machine, a temporary file is moved there."""
        with storage_errors():
            default_storage.save(self.name, content)

    def save_chunk(self, number: int, content: bytes) -> None:
        """Store a chunk, by its number from 1; if it was stored already, replace it."""
        with storage_errors():
            default_storage.save(f"{self._folder}/{number:06}", ContentFile(content))

    def read(self) -> Iterator[bytes]:
        """Yield the content in pieces. Raise FileNotFoundError if nothing is stored."""
        with storage_errors():
            for name in self._list_objects():
                with default_storage.open(name) as stored:
                    while piece := stored.read(_READ_BYTES):
                        yield piece

    def remove(self) -> None:
        """Remove what is stored of it. What cannot be removed now is unused, and removed with others of these later."""
        if not _NAME.fullmatch(self.name):
            return
        with suppress(FileNotFoundError, StorageError), storage_errors():
            for name in self._list_objects():
                default_storage.delete(name)
            default_storage.delete(self._folder)

    def _list_objects(self) -> list[str]:
        """Return the names of the objects that hold the content, in order; raise FileNotFoundError if there is none."""
        if default_storage.exists(self.name):
            return [self.name]
        _, chunks = default_storage.listdir(self._folder)
        if not chunks:
            raise FileNotFoundError(self._folder)
        return [f"{self._folder}/{chunk}" for chunk in sorted(chunks)]


def find_local_path(name: str) -> Path | None:
    """Return the path of a name in the storage; None if the storage is not a folder of this machine."""
    try:
        return Path(default_storage.path(name))
    except NotImplementedError:
        return None


def remove_unused_uploads(*, used: Collection[str]) -> None:
    """Remove the stored files that nothing uses, except young ones, which may still be arriving."""
    latest = time.time() - _MIN_AGE_SECONDS
    with storage_errors(), suppress(FileNotFoundError):
        folders, files = default_storage.listdir("")
        for name in files:
            if name not in used and _get_time(name) < latest:
                default_storage.delete(name)
        for folder in folders:
            if folder.removesuffix(_CHUNKS) not in used:
                _remove_old_folder(folder, latest)


def _remove_old_folder(folder: str, latest: float) -> None:
    names = [f"{folder}/{chunk}" for chunk in default_storage.listdir(folder)[1]]
    if all(_get_time(name) < latest for name in names):
        for name in names:
            default_storage.delete(name)
        default_storage.delete(folder)


def _get_time(name: str) -> float:
    """Return when an object was stored, in seconds since 1970; now, if it was removed meanwhile."""
    try:
        return default_storage.get_modified_time(name).timestamp()
    except FileNotFoundError:
        return time.time()
