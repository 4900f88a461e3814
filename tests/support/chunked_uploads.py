"""What the script of the upload page does with a large file, in chunks of a hundred bytes."""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.test import Client

START = "/admin/imports/importrun/unfinished/start/"
UPLOAD = "/admin/imports/importrun/upload/"
CHUNK_BYTES = 100


def start(client: Client, path: Path, **changes: object) -> Any:
    facts = {"name": path.name, "size": path.stat().st_size, "modified_ms": 1_700_000_000_123}
    return client.post(START, {**facts, **changes})


def cut(content: bytes) -> list[bytes]:
    return [content[begin : begin + CHUNK_BYTES] for begin in range(0, len(content), CHUNK_BYTES)]


def send(client: Client, number: int, chunk: int, content: bytes, claimed: bytes | None = None, **extra: Any) -> Any:
    digest = base64.b64encode(hashlib.sha256(content if claimed is None else claimed).digest()).decode()
    address = f"/admin/imports/importrun/unfinished/{number}/{chunk}/"
    headers = {"Content-Digest": f"sha-256=:{digest}:"}
    return client.post(address, content, "application/octet-stream", headers=headers, **extra)


def send_all(client: Client, path: Path) -> int:
    number: int = start(client, path).json()["number"]
    for chunk, content in enumerate(cut(path.read_bytes()), start=1):
        assert send(client, number, chunk, content).json() == {"received": chunk}
    return number


def finish(client: Client, numbers: Sequence[int], kind: str = "") -> Any:
    return client.post(UPLOAD, {"unfinished": numbers, "kind": kind})
