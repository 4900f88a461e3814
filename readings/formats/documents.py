"""The documents of a file with JSON: the elements of an array, one on each line, or the whole file."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from healthtrack.imports.opening import Limited, Part, open_part
from healthtrack.imports.row_errors import DamageError, FileError, RowError

BLOCK_BYTES = 8 * 2**20
MAX_DOCUMENT_BYTES = 64 * 2**20
_BOM = b"\xef\xbb\xbf"
_SEPARATOR = re.compile(r"\s*,?\s*")
# Only finds where a value ends: orjson decides whether it is JSON.
_DECODER = json.JSONDecoder()
_NO_JSON = "The line is not JSON: it is damaged or was cut off."
_NO_ENTRY = "The entry is not JSON: it is damaged."
_BROKEN = (
    "The list is damaged or was cut off here, at byte {:,}. What follows cannot be read. Get the file again, and upload"
    " it as a whole."
)
_BETWEEN = re.compile(rb"\}\s*,\s*\{")
_MAX_GUESSES = 20
# The end of an element is looked for in so much at the end of the text.
_LAST_BYTES = 2**20


class Document(NamedTuple):
    """A value of JSON, its number in the file, counted from 1, and how many bytes were read since the one before.

    If it cannot be read, `problem` says why.
    """

    number: int
    content: Any
    size: int
    problem: str = ""


def read_documents(part: Part) -> Iterator[Document]:
    """Yield the documents of a part. One that is not JSON has None as content, and a problem.

    Raise FileError if nothing can be read, and DamageError where the part is damaged.
    """
    with open_part(part) as stream:
        first = stream.read(BLOCK_BYTES)
        beginning = first.removeprefix(_BOM).lstrip()
        if beginning.startswith(b"["):
            yield from _Array(stream, beginning[1:], part, len(first) - len(beginning) + 1).read()
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
            f"The file {part.name} is not JSON: it is damaged or was cut off. Get it again, and upload it as a whole."
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
                yield _make_line(number, line, len(line) + 1)
        if len(rest) > MAX_DOCUMENT_BYTES:
            raise FileError(RowError(f"The file {part.name} has a line of more than 64 MB.", number + 1))
        block = stream.read(BLOCK_BYTES)
    if rest.strip():
        yield _make_line(number + 1, rest, len(rest))


def _make_line(number: int, line: bytes, size: int) -> Document:
    content = _parse(line)
    return Document(number, content, size, _NO_JSON if content is None else "")


class _Array:
    """An array that is read in blocks of whole elements, each of which is an object; `offset` is where they begin."""

    def __init__(self, stream: Limited, text: bytes, part: Part, offset: int) -> None:
        self.stream, self.part, self.offset = stream, part, offset
        self.text = text  # begins with an element
        self.number = 0
        self.damage: DamageError | None = None

    def read(self) -> Iterator[Document]:
        while piece := self._read_more():
            yield from self._take_elements()
            self.text += piece
            if len(self.text) > MAX_DOCUMENT_BYTES:
                reason = f"The file {self.part.name} has an entry of more than 64 MB."
                raise FileError(RowError(reason, self.number + 1))
        elements = _parse(b"[" + self.text)
        if elements is None:
            yield from self._read_singly()
        else:
            yield from self._list(elements, len(self.text) + 1)
        if self.damage:
            raise self.damage

    def _read_more(self) -> bytes:
        """Return the next block; nothing at the end, and where the file is damaged."""
        try:
            return self.stream.read(BLOCK_BYTES)
        except DamageError as error:
            self.damage = error
            return b""

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
                self.offset += size
                yield from self._list(elements, size)
                return

    def _list(self, elements: Any, size: int) -> Iterator[Document]:
        for element in elements:
            self.number += 1
            yield Document(self.number, element, size)
            size = 0

    def _read_singly(self) -> Iterator[Document]:
        """Yield the rest of a damaged array element by element, up to where it ends or cannot be read any more."""
        text = self.text.decode("utf-8", "surrogateescape")
        place, is_first = 0, True
        while True:
            after = _SEPARATOR.match(text, place)
            begin = after.end() if after else place
            is_separated = is_first or text[place:begin].strip() == ","
            end = _find_end(text, begin) if is_separated else None
            if end is None:
                break
            self.number += 1
            content = _parse(text[begin:end].encode("utf-8", "surrogateescape"))
            yield Document(self.number, content, end - place, _NO_ENTRY if content is None else "")
            place, is_first = end, False
        if text[place:].strip() != "]" and not self.damage:
            position = self.offset + len(text[:place].encode("utf-8", "surrogateescape"))
            yield Document(self.number + 1, None, len(text) - place, _BROKEN.format(position))


def _find_end(text: str, begin: int) -> int | None:
    """Return the end of the value that begins here; None if there is none."""
    try:
        return _DECODER.raw_decode(text, begin)[1]
    except (ValueError, RecursionError):
        return None
