"""Uploaded files between preview and confirmation: under random names, for the owner's eyes, in no served folder."""

import re
import secrets
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from import_export.tmp_storages import BaseStorage

KEPT_SECONDS = 24 * 60 * 60
_NAME = re.compile(r"[0-9a-f]{32}")


class UploadStorage(BaseStorage):
    def save(self, chunks: Iterable[bytes]) -> None:
        _folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        self.name = secrets.token_hex(16)
        self.path.touch(mode=0o600, exist_ok=False)
        with self.path.open("wb") as file:
            file.writelines(chunks)

    def read(self) -> Path:
        """The file's path: the engine reads it from there, in batches."""
        return self.path

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)

    @property
    def exists(self) -> bool:
        return bool(_NAME.fullmatch(self.name or "")) and self.path.is_file()

    @property
    def path(self) -> Path:
        return _folder() / str(self.name)


def forget_old_uploads() -> None:
    """Removes the uploads that nobody confirmed: patients' data lie about no longer than they are needed."""
    oldest = time.time() - KEPT_SECONDS
    for path in _folder().glob("*"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < oldest:
                path.unlink()


def _folder() -> Path:
    return Path(settings.HEALTHTRACK_DATA_DIR) / "uploads"
