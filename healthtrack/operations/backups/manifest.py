"""The first line of a backup, encrypted like the rest: which version of HealthTrack wrote it, and when.

Backups of versions before this line existed begin with pg_dump's archive; they have no manifest, and stay restorable.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO

from healthtrack import __version__

_BEGIN = b"HealthTrack backup "
MAX_LENGTH = 1000


@dataclass(frozen=True)
class Manifest:
    version: str
    created: str  # in UTC, as 2026-11-28T02:30:00Z


class SourceWithManifest:
    """Reads as a new manifest followed by the archive of pg_dump."""

    def __init__(self, archive: IO[bytes]) -> None:
        self._archive = archive
        self._line = _new_line()

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes; none at the end."""
        if not self._line:
            return self._archive.read(size)
        part, self._line = self._line[:size], self._line[size:]
        return part


class SinkWithoutManifest:
    """Passes on what is written to it, except for the manifest, which it parses."""

    def __init__(self, archive: IO[bytes]) -> None:
        self.manifest: Manifest | None = None
        self._archive = archive
        self._begin = b""
        self._is_past_manifest = False

    def write(self, data: bytes) -> int:
        """Write the part of `data` that belongs to the archive, as soon as it is known to belong there."""
        if self._is_past_manifest:
            self._archive.write(data)
            return len(data)
        self._begin += data
        line, newline, rest = self._begin.partition(b"\n")
        if not self._begin.startswith(_BEGIN[: len(self._begin)]):
            self._pass_on(self._begin)
        elif newline:
            self.manifest = _parse(line)
            self._pass_on(rest if self.manifest else self._begin)
        elif len(self._begin) > MAX_LENGTH:
            self._pass_on(self._begin)
        return len(data)

    def flush(self) -> None:
        """Write what was held back because it could have been the beginning of a manifest."""
        if not self._is_past_manifest:
            self._pass_on(self._begin)
        self._archive.flush()

    def _pass_on(self, data: bytes) -> None:
        self._is_past_manifest = True
        self._begin = b""
        self._archive.write(data)


def _new_line() -> bytes:
    fields = {"version": __version__, "created": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}
    return _BEGIN + json.dumps(fields).encode() + b"\n"


def _parse(line: bytes) -> Manifest | None:
    try:
        fields = json.loads(line.removeprefix(_BEGIN))
        return Manifest(str(fields["version"]), str(fields["created"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
