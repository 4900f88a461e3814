"""Copies of uploads on this machine, for as long as somebody reads them."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkstemp

from django.conf import settings

from healthtrack.imports.uploads.storage_errors import storage_errors
from healthtrack.imports.uploads.stored import Upload

_MAX_AGE_SECONDS = 24 * 60 * 60  # an older one belongs to a process that was killed


class LocalCopies:
    """Finds uploads on this machine, and copies those that are elsewhere or in chunks."""

    def __init__(self) -> None:
        self._copies: list[Path] = []

    def find(self, upload: Upload, size: int) -> Path:
        """Return the path of a file with the upload's content.

        Raises FileNotFoundError if the upload is not stored, or not as a whole: `size` is its number of bytes.
        """
        if path := upload.path:
            return path
        copy = self.copy_beginning(upload, size)
        if copy.stat().st_size != size:
            raise FileNotFoundError(upload.name)
        return copy

    def copy_beginning(self, upload: Upload, max_bytes: int) -> Path:
        """Return the path of a copy of the first bytes."""
        _make_folder()
        descriptor, name = mkstemp(dir=settings.UPLOAD_COPIES)
        self._copies.append(Path(name))
        with storage_errors(), os.fdopen(descriptor, "wb") as copy:
            for piece in upload.read():
                copy.write(piece[: max_bytes - copy.tell()])
                if copy.tell() >= max_bytes:
                    break
        return Path(name)

    def remove(self) -> None:
        """Remove the copies."""
        for copy in self._copies:
            copy.unlink(missing_ok=True)


@contextmanager
def local_copies() -> Iterator[LocalCopies]:
    """Find uploads on this machine during the block."""
    copies = LocalCopies()
    try:
        yield copies
    finally:
        copies.remove()


def remove_old_copies() -> None:
    """Remove the copies that killed processes of this machine left."""
    latest = time.time() - _MAX_AGE_SECONDS
    for path in settings.UPLOAD_COPIES.glob("*"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < latest:
                path.unlink()


def _make_folder() -> None:
    settings.UPLOAD_COPIES.mkdir(mode=0o700, parents=True, exist_ok=True)
