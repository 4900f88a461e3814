"""Split the entries of a Bundle that is too large for the memory, without parsing it as a whole.

The end of the first entry is found by counting braces outside strings, which is slow. What stands between it and the
next entry is then expected between all others, and found by a plain search: the entry is right if it can be parsed,
because no beginning of an object is an object. Entries that differ are counted again.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, Protocol

from healthtrack.imports.row_errors import DamageError, FileError, RowError

BLOCK_BYTES = 4 * 2**20
MAX_ENTRY_BYTES = 64 * 2**20
_ENTRIES = re.compile(rb'"entry"\s*:\s*\[')
# All up to and with the next brace that is not in a string.
_TO_BRACE = re.compile(rb'[^"{}]*+(?:"(?:[^"\\]|\\.)*+"[^"{}]*+)*+([{}])', re.DOTALL)
_BETWEEN = re.compile(rb"[\s,]*")
_MAX_GUESSES = 3
_MARGIN = 256  # more than what stands between two entries
_GUESSED_BYTES = 12  # of the next entry: enough for its first name


class Stream(Protocol):
    """What bytes are read from."""

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes; none at the end."""


class BundleStream:
    """A document of JSON that is read in blocks; `name` is that of its file."""

    def __init__(self, stream: Stream, beginning: bytes, name: str) -> None:
        self.stream = stream
        self.name = name
        self.buffer = beginning
        self.start = 0  # of what has not been read yet
        self.is_complete = False
        self.separator = b""

    def read_entries(self) -> Iterator[dict[str, Any]] | None:
        """Return the entries of a Bundle, or None if the document is something else, which is then in the buffer."""
        end = self._find_entries()
        if end is None:
            return None
        head, self.start = self.buffer[:end], end
        return self._iterate(head)

    def read_rest(self) -> bytes:
        """Return the whole document. Raise FileError if it is too large to be one resource."""
        while self._read_more():
            pass
        return self.buffer

    def _find_entries(self) -> int | None:
        """Return where the entries begin, after the bracket."""
        while True:
            for match in islice(_ENTRIES.finditer(self.buffer), _MAX_GUESSES):
                document = _parse(self.buffer[: match.end()] + b"]}")
                if isinstance(document, dict):
                    return match.end() if document.get("resourceType", "Bundle") == "Bundle" else None
            if not self._read_more():
                return None

    def _iterate(self, head: bytes) -> Iterator[dict[str, Any]]:
        number = 0
        while True:
            self._skip_between()
            if self.buffer[self.start : self.start + 1] != b"{":
                break
            number += 1
            yield self._read_entry(number)
        self._check_tail(head, number)

    def _skip_between(self) -> None:
        """Go to the next entry, or to the end of the list."""
        while True:
            match = _BETWEEN.match(self.buffer, self.start)
            self.start = match.end() if match else self.start
            if self.start < len(self.buffer) or not self._read_more():
                return

    def _read_entry(self, number: int) -> dict[str, Any]:
        entry = self._guess() if self.separator else None
        if entry is None:
            end = self._count_braces(number)
            entry = _parse(self.buffer[self.start : end])
            if not isinstance(entry, dict):
                raise self._damaged(number)
            self._learn_and_skip(end - self.start)
        return entry

    def _guess(self) -> dict[str, Any] | None:
        """Return the entry up to what stands between others, and go behind it; None if it does not end there."""
        place = self.start
        for _ in range(_MAX_GUESSES):
            place = self.buffer.find(self.separator, place)
            if place < 0:
                return None
            place += self._closing
            entry = _parse(memoryview(self.buffer)[self.start : place])
            if isinstance(entry, dict):
                self.start = place
                return entry
        return None

    def _learn_and_skip(self, length: int) -> None:
        """Go behind the entry. Remember what stands between it and the next: the brace with its indent, and a name."""
        while len(self.buffer) < self.start + length + _MARGIN and self._read_more():
            pass
        end = self.start + length
        match = _BETWEEN.match(self.buffer, end)
        following = match.end() if match else end
        if self.buffer[following : following + 1] == b"{":
            closing = len(self.buffer[self.start : end - 1].rstrip()) + self.start
            self._closing = end - closing
            self.separator = self.buffer[closing : following + _GUESSED_BYTES]
        self.start = end

    def _count_braces(self, number: int) -> int:
        """Return the end of the entry."""
        place, depth = self.start, 0
        while True:
            match = _TO_BRACE.match(self.buffer, place)
            if match:
                place = match.end()
                depth += 1 if match[1] == b"{" else -1
                if not depth:
                    return place
            else:
                read_before, offset = len(self.buffer) - self.start, place - self.start
                if read_before > MAX_ENTRY_BYTES or not self._read_more():
                    raise self._damaged(number)
                place = self.start + offset

    def _read_more(self) -> bool:
        """Add a block to the buffer, and forget what has been read. Return False at the end of the document."""
        data = b"" if self.is_complete else self.stream.read(BLOCK_BYTES)
        self.is_complete = not data
        if data:
            self.buffer = self.buffer[self.start :] + data
            self.start = 0
            if len(self.buffer) > MAX_ENTRY_BYTES + 2 * BLOCK_BYTES:
                raise FileError(RowError("A resource has more than 64 MB.", source=self.name))
        return bool(data)

    def _check_tail(self, head: bytes, number: int) -> None:
        """Raise FileError unless the document ends as it must."""
        tail = self.read_rest()[self.start :]
        document = _parse(head + tail)
        if not isinstance(document, dict) or document.get("resourceType") != "Bundle":
            raise self._damaged(number + 1)

    def _damaged(self, number: int) -> FileError:
        reason = "The Bundle is damaged or was cut off here. Get the file again, and upload it as a whole."
        return DamageError(RowError(reason, number, source=f"{self.name}, entry {number}"))


def _parse(text: bytes | memoryview) -> Any:
    import orjson  # noqa: PLC0415  (every import looks whether a file is FHIR, and few files are)

    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
