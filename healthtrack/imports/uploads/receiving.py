"""Receive the files of a form: each goes to a temporary file on this machine, and to the storage once a run uses it."""

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files import File
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest

from healthtrack.imports.uploads.stored import Upload, find_local_path

_ARRIVING = ".arriving"


class ReceivedFile(UploadedFile[bytes]):
    """A file that has arrived. `path` has its content, or the beginning of it, while the request is answered."""

    def __init__(self, upload: Upload, path: Path, sha256: str, file_name: str, size: int) -> None:
        super().__init__(None, file_name, size=size)
        self.upload = upload
        self.path = path
        self.sha256 = sha256


class _TemporaryFile(File[bytes]):
    def temporary_file_path(self) -> str:
        """Return its path. A storage that is a folder of this machine moves the file there, and copies nothing."""
        return str(self.name)


class UploadHandler(FileUploadHandler):
    """Writes a file to the disk while it arrives, and stops at the size limit. Raises OSError if the disk is full."""

    chunk_size = 2**20

    def __init__(self, request: HttpRequest, max_bytes: int) -> None:
        super().__init__(request)
        self.max_bytes = max_bytes
        self.is_too_large = False
        self._paths: list[Path] = []

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.upload = Upload.make()
        name = self.upload.name + _ARRIVING
        # On the disk of the storage, if that is a folder, so that the file can be moved.
        path = find_local_path(name) or settings.UPLOAD_COPIES / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=False)
        self._paths.append(path)
        self.destination = path.open("wb")  # buffered: it writes all of a chunk, or raises
        self.digest = hashlib.sha256()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if start + len(raw_data) > self.max_bytes:
            self.is_too_large = True
            raise StopUpload(connection_reset=True)
        self.digest.update(raw_data)
        self.destination.write(raw_data)

    def file_complete(self, file_size: int) -> ReceivedFile:
        self.destination.close()
        return ReceivedFile(self.upload, self._paths[-1], self.digest.hexdigest(), self.file_name or "", file_size)

    def remove_temporary_files(self) -> None:
        """Remove what is left of the files that nobody stored."""
        for path in self._paths:
            with suppress(OSError):  # what is still buffered may not fit on the disk either
                self.destination.close()
            path.unlink(missing_ok=True)


def store(file: ReceivedFile) -> None:
    """Put a received file into the storage."""
    with file.path.open("rb") as content:
        file.upload.save(_TemporaryFile(content, str(file.path)))
