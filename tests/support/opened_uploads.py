"""Uploads that are opened: which parts they have, or why they are refused."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from healthtrack.imports.importer import StoredFile
from healthtrack.imports.opening import open_files
from healthtrack.imports.row_errors import FileError


def pack(members: dict[str, bytes]) -> bytes:
    """Return a zip archive with these members."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def list_paths(path: Path, content: bytes, **options: Any) -> list[str]:
    """Return the paths of the parts of an upload."""
    path.write_bytes(content)
    with open_files([StoredFile(path.name, len(content), path)], **options) as parts:
        return [part.path for part in parts]


def refuse(path: Path, content: bytes) -> str:
    """Return why an upload is refused."""
    with pytest.raises(FileError) as refused:
        list_paths(path, content)
    return str(refused.value)
