"""Uploaded files while their runs are open: under random names, readable by the program alone, never served."""

import hashlib
import re
import secrets
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest

_MIN_AGE_SECONDS = 60 * 60  # a younger file without a run may still be arriving
_NAME = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Upload:
    """A stored upload, by its random name."""

    name: str

    @property
    def path(self) -> Path:
        return _folder() / self.name

    @property
    def exists(self) -> bool:
        return bool(_NAME.fullmatch(self.name)) and self.path.is_file()

    def remove(self) -> None:
        if self.exists:
            self.path.unlink(missing_ok=True)


class ReceivedFile(UploadedFile[bytes]):
    """An uploaded file that is already stored in its final place."""

    def __init__(self, upload: Upload, sha256: str, file_name: str, size: int) -> None:
        super().__init__(None, file_name, size=size)
        self.upload = upload
        self.sha256 = sha256


class UploadHandler(FileUploadHandler):
    """Writes a file straight to its final place while it arrives, and stops at the size limit.

    Raises OSError if the disk is full.
    """

    chunk_size = 2**20

    def __init__(self, request: HttpRequest, max_bytes: int) -> None:
        super().__init__(request)
        self.max_bytes = max_bytes
        self.unused: list[Upload] = []
        self.is_too_large = False

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        _folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        upload = Upload(secrets.token_hex(16))
        upload.path.touch(mode=0o600, exist_ok=False)
        self.unused.append(upload)
        self.destination = upload.path.open("wb")  # buffered: it writes all of a chunk, or raises
        self.digest = hashlib.sha256()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if start + len(raw_data) > self.max_bytes:
            self.is_too_large = True
            raise StopUpload(connection_reset=True)
        self.digest.update(raw_data)
        self.destination.write(raw_data)

    def file_complete(self, file_size: int) -> ReceivedFile:
        self.destination.close()
        return ReceivedFile(self.unused[-1], self.digest.hexdigest(), self.file_name or "", file_size)

    def claim(self, file: ReceivedFile) -> ReceivedFile:
        """Keep the file for a run: `remove_unused` leaves it."""
        self.unused.remove(file.upload)
        return file

    def remove_unused(self) -> None:
        """Remove the received files that no run has claimed."""
        for upload in self.unused:
            with suppress(OSError):  # what is still buffered may not fit on the disk either
                self.destination.close()
            upload.remove()


def remove_unused_uploads(*, used: Collection[str]) -> None:
    """Remove the stored files that no run uses, except young ones, which may still be arriving."""
    latest = time.time() - _MIN_AGE_SECONDS
    for path in _folder().glob("*"):
        with suppress(FileNotFoundError):
            if path.name not in used and path.stat().st_mtime < latest:
                path.unlink()


def _folder() -> Path:
    return Path(settings.IMPORT_UPLOADS)
