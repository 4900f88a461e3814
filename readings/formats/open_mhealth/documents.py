"""The documents of a file with JSON: the elements of an array, one on each line, or the whole file."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from healthtrack.imports.opening import Limited, Part, open_part
from healthtrack.imports.row_errors import FileError, RowError

BLOCK_BYTES = 8 * 2**20
MAX_DOCUMENT_BYTES = 64 * 2**20
_BOM = b"\xef\xbb\xbf"
_BETWEEN = re.compile(rb"\}\s*,\s*\{")
_MAX_GUESSES = 20
# The end of an element is looked for in so much at the end of the text.
_LAST_BYTES = 2**20


class Document(NamedTuple):
    """A value of JSON, its number in the file, counted from 1, and how many bytes were read since the one before."""

    number: int
    content: Any
    size: int


def read_documents(part: Part) -> Iterator[Document]:
    """Yield the documents of a part; a line that is no JSON has None as content. Raise FileError if it is damaged."""
    with open_part(part) as stream:
        beginning = stream.read(BLOCK_BYTES).removeprefix(_BOM).lstrip()
        if beginning.startswith(b"["):
            yield from _Array(stream, beginning[1:], part).read()
        elif _has_lines(beginning):
            yield from _read_lines(stream, beginning, part)
        else:
            text = _read_rest(stream, beginning, part)
            yield Document(1, _parse_all(text, part), len(text))


def _has_lines(text: bytes) -> bool:
    """Return whether the first line is a whole document."""
    first, newline, _ = text.partition(b"\n")
    return bool(newline) and _parse(first) is not None


def _read_rest(stream: Limited, text: bytes, part: Part) -> bytes:
    pieces, size = [text], len(text)
    while piece := stream.read(BLOCK_BYTES):
        pieces.append(piece)
        size += len(piece)
        if size > MAX_DOCUMENT_BYTES:
            raise FileError(RowError(f"The file {part.name} has a document of more than 64 MB."))
    return b"".join(pieces)


def _parse_all(text: bytes, part: Part) -> Any:
    document = _parse(text)
    if document is None:
        reason = (
            f"The file {part.name} is no JSON: it is damaged or was cut off. Get it again, and upload it as a whole."
        )
        raise FileError(RowError(reason))
    return document


def _parse(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _read_lines(stream: Limited, text: bytes, part: Part) -> Iterator[Document]:
    number, block = 0, text
    rest = b""
    while block:
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            number += 1
            if line.strip():
                yield Document(number, _parse(line), len(line) + 1)
        if len(rest) > MAX_DOCUMENT_BYTES:
            raise FileError(RowError(f"The file {part.name} has a line of more than 64 MB.", number + 1))
        block = stream.read(BLOCK_BYTES)
    if rest.strip():
        yield Document(number + 1, _parse(rest), len(rest))


class _Array:
    """An array that is read in blocks of whole elements, each of which is an object."""

    def __init__(self, stream: Limited, text: bytes, part: Part) -> None:
        self.stream, self.part = stream, part
        self.text = text  # begins with an element
        self.number = 0

    def read(self) -> Iterator[Document]:
        while piece := self.stream.read(BLOCK_BYTES):
            yield from self._take_elements()
            self.text += piece
            if len(self.text) > MAX_DOCUMENT_BYTES:
                raise FileError(
                    RowError(f"The file {self.part.name} has an entry of more than 64 MB.", self.number + 1)
                )
        yield from self._list(_parse_all(b"[" + self.text, self.part), len(self.text) + 1)

    def _take_elements(self) -> Iterator[Document]:
        """Yield the elements that are whole, and leave the rest.

        The last element that ends here is found by trying: its end is right if all up to it can be parsed.
        """
        start = max(0, len(self.text) - _LAST_BYTES)
        ends = [match.start() + 1 for match in _BETWEEN.finditer(self.text, start)]
        for end in reversed(ends[-_MAX_GUESSES:]):
            elements = _parse(b"".join((b"[", memoryview(self.text)[:end], b"]")))
            if elements is not None:
                rest = self.text[end:].lstrip().removeprefix(b",")
                size = len(self.text) - len(rest)
                self.text = rest
                yield from self._list(elements, size)
                return

    def _list(self, elements: Any, size: int) -> Iterator[Document]:
        for element in elements:
            self.number += 1
            yield Document(self.number, element, size)
            size = 0
