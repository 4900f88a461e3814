"""Uploaded files while their runs are open: under random names, for the owner's eyes, in no served folder."""

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

_LEFT_ALONE_SECONDS = 60 * 60  # one that no run names yet may be on its way in
_NAME = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Upload:
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
    """A file that is already where it is kept."""

    def __init__(self, upload: Upload, sha256: str, file_name: str, size: int) -> None:
        super().__init__(None, file_name, size=size)
        self.upload = upload
        self.sha256 = sha256


class UploadHandler(FileUploadHandler):
    """Writes a file to its place as it comes in, and no more of it than may come.

    Raises OSError when the disk is full.
    """

    chunk_size = 2**20

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
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
        if start + len(raw_data) > settings.IMPORT_MOST_BYTES:
            self.is_too_large = True
            raise StopUpload(connection_reset=True)
        self.digest.update(raw_data)
        self.destination.write(raw_data)

    def file_complete(self, file_size: int) -> ReceivedFile:
        self.destination.close()
        return ReceivedFile(self.unused[-1], self.digest.hexdigest(), self.file_name or "", file_size)

    def take_over(self, file: ReceivedFile) -> ReceivedFile:
        self.unused.remove(file.upload)
        return file

    def forget_unused(self) -> None:
        for upload in self.unused:
            with suppress(OSError):  # what it still holds may find no room either
                self.destination.close()
            upload.remove()


def forget_uploads(*, kept: Collection[str]) -> None:
    """Removes the files that no run holds."""
    latest = time.time() - _LEFT_ALONE_SECONDS
    for path in _folder().glob("*"):
        with suppress(FileNotFoundError):
            if path.name not in kept and path.stat().st_mtime < latest:
                path.unlink()


def _folder() -> Path:
    return Path(settings.IMPORT_UPLOADS)
