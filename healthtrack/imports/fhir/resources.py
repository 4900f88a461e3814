"""The resources of a part of an upload, one by one, each with its place."""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from healthtrack.imports.fhir.bundle_stream import BLOCK_BYTES, MAX_ENTRY_BYTES, BundleStream
from healthtrack.imports.opening import Limited, Part, open_part
from healthtrack.imports.row_errors import FileError, RowError

_BOM = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_TYPE = re.compile(rb'\s*\{\s*"resourceType"\s*:\s*"([A-Za-z]{1,64})"')
_ANY_TYPE = re.compile(rb'"resourceType"\s*:\s*"([A-Za-z]{1,64})"')
_MAX_ERRORS = 10_000
_REMEDY = "Export the data as FHIR R4 in JSON: NDJSON or Bundles."


class Place(NamedTuple):
    """Where a resource is: the number of the part, the line, and the entry of a Bundle, if any; all counted from 1."""

    part: int
    line: int
    entry: int = 0


class Resource(NamedTuple):
    """A resource. `content` is empty for what a Bundle deletes."""

    type: str
    content: dict[str, Any]
    place: Place
    full_url: str = ""
    is_deletion: bool = False


def describe_place(name: str, place: Place) -> str:
    """Return the place for people to read, such as "Patient.ndjson, line 3"."""
    line = f", line {place.line}" if place.line > 1 or not place.entry else ""
    return f"{name}{line}{f', entry {place.entry}' if place.entry else ''}"


def find_type(beginning: bytes) -> str:
    """Return the type of the first resource at the beginning of a file; empty if it is not FHIR in JSON."""
    text = beginning.removeprefix(_BOM).lstrip()
    match = _ANY_TYPE.search(text) if text.startswith(b"{") else None
    return match[1].decode() if match else ""


def list_types(beginning: bytes) -> set[str]:
    """Return the types of the resources at the beginning of a file, as far as it shows them."""
    return {match.decode() for match in _ANY_TYPE.findall(beginning)} if find_type(beginning) else set()


class ResourceReader:
    """Reads the resources of wanted types, and counts the others.

    With a list of `errors`, lines that are not resources are added to it, unless they are too many. Otherwise the first
    one ends the reading.
    """

    def __init__(self, wanted: Collection[str], errors: list[RowError] | None = None) -> None:
        self.wanted = wanted
        self.errors = errors
        self.others: Counter[str] = Counter()
        self._before = 0
        self._stream: Limited | None = None
        self._parsed = {kind.encode() for kind in wanted} | {b"Bundle"}

    def read(self, part: Part) -> Iterator[Resource]:
        """Yield the resources of a part. Raise FileError if it is damaged, cut off, or no FHIR in JSON."""
        with open_part(part) as stream, self._count(stream):
            beginning = stream.read(BLOCK_BYTES).removeprefix(_BOM)
            _check_beginning(beginning, part)
            if _has_lines(beginning):
                yield from self._read_lines(stream, beginning, part)
            else:
                yield from self._read_document(BundleStream(stream, beginning, part.name), part)

    @property
    def read_bytes(self) -> int:
        """Return how many bytes were read so far, of all parts."""
        return self._before + (self._stream.read_bytes if self._stream else 0)

    @contextmanager
    def _count(self, stream: Limited) -> Iterator[None]:
        self._stream = stream
        try:
            yield
        finally:
            self._before, self._stream = self.read_bytes, None

    def _read_lines(self, stream: Limited, beginning: bytes, part: Part) -> Iterator[Resource]:
        next_line, rest, block = 1, b"", beginning
        while block:
            *whole, rest = (rest + block).split(b"\n")
            for line, text in enumerate(whole, start=next_line):
                match = _TYPE.match(text)
                # Other types are most of an export. A line is not parsed only to be counted.
                if match and match[1] not in self._parsed and text.endswith((b"}", b"}\r")):
                    self.others[match[1].decode()] += 1
                else:
                    yield from self._try_line(text, Place(part.number, line), part)
            next_line += len(whole)
            if len(rest) > MAX_ENTRY_BYTES:
                raise FileError(RowError("The line has more than 64 MB.", source=f"{part.name}, line {next_line}"))
            block = stream.read(BLOCK_BYTES)
        yield from self._try_line(rest, Place(part.number, next_line), part)

    def _try_line(self, text: bytes, place: Place, part: Part) -> Iterator[Resource]:
        try:
            yield from self._read_line(text, place, part)
        except FileError as error:
            if self.errors is None or len(self.errors) >= _MAX_ERRORS:
                raise
            self.errors += error.errors

    def _read_line(self, text: bytes, place: Place, part: Part) -> Iterator[Resource]:
        if not text.strip():
            return
        document = _loads(text)
        if document is None:
            reason = "The line is not JSON: it is damaged or was cut off. Get the file again, and upload it as a whole."
            raise FileError(RowError(reason, place.line, source=describe_place(part.name, place)))
        yield from self._expand(document, place, part)

    def _read_document(self, document: BundleStream, part: Part) -> Iterator[Resource]:
        entries = document.read_entries()
        if entries is None:
            content = _loads(document.read_rest())
            if content is None:
                reason = "The file is not JSON: it is damaged or was cut off. Get it again, and upload it as a whole."
                raise FileError(RowError(reason, source=part.name))
            yield from self._expand(content, Place(part.number, 1), part)
            return
        for number, entry in enumerate(entries, start=1):
            yield from self._read_entry(entry, Place(part.number, 1, number), part)

    def _expand(self, document: Any, place: Place, part: Part, full_url: str = "") -> Iterator[Resource]:
        """Yield a resource, or those of the entries of a Bundle."""
        kind = document.get("resourceType") if isinstance(document, dict) else None
        if not isinstance(kind, str) or not kind:
            reason = f"There is no resource of FHIR: the name resourceType is missing. {_REMEDY}"
            raise FileError(RowError(reason, place.entry or place.line, source=describe_place(part.name, place)))
        if kind == "Bundle":
            entries = document.get("entry", [])
            for number, entry in enumerate(entries if isinstance(entries, list) else [], start=1):
                yield from self._read_entry(entry, place._replace(entry=place.entry or number), part)
        elif kind in self.wanted:
            yield Resource(kind, document, place, full_url)
        else:
            self.others[kind] += 1

    def _read_entry(self, entry: Any, place: Place, part: Part) -> Iterator[Resource]:
        if not isinstance(entry, dict):
            reason = "The entry is not an object of JSON."
            raise FileError(RowError(reason, place.entry, source=describe_place(part.name, place)))
        request = entry.get("request")
        if isinstance(request, dict) and request.get("method") == "DELETE":
            kind = str(request.get("url", "")).split("?")[0].split("/")[0]
            yield Resource(kind, {}, place, is_deletion=True)
        elif entry.get("resource") is not None:
            full_url = entry.get("fullUrl")
            yield from self._expand(entry["resource"], place, part, full_url if isinstance(full_url, str) else "")


def _check_beginning(beginning: bytes, part: Part) -> None:
    text = beginning.lstrip()
    reason = ""
    if not text:
        reason = "The file is empty."
    elif text.startswith(b"<"):
        reason = f"The file is XML. {_REMEDY}"
    elif text.startswith(_UTF_16) or b"\0" in text[:64]:
        reason = "The file is not encoded in UTF-8. Save it as UTF-8."
    elif not text.startswith(b"{"):
        reason = f"The file is not FHIR in JSON. {_REMEDY}"
    if reason:
        raise FileError(RowError(reason, source=part.name))


def _has_lines(beginning: bytes) -> bool:
    """Return whether each line is a resource; otherwise the file is one document."""
    text = beginning.lstrip()
    first, newline, rest = text.partition(b"\n")
    if not newline and len(text) >= BLOCK_BYTES - len(_BOM):
        return False
    return _loads(first) is not None or bool(_TYPE.match(first) and _TYPE.match(rest))


def _loads(text: bytes) -> Any:
    import orjson  # noqa: PLC0415  (every import looks whether a file is FHIR, and few files are)

    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
