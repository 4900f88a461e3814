"""The elements of an export, in the order of the file, read with expat and in chunks.

Everything before the root element is skipped: the document type, which iOS writes wrongly, declares nothing that the
reader needs, and without it a document cannot define entities.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

import polars as pl

from healthtrack.imports.opening import Limited
from healthtrack.imports.row_errors import DamageError, FileError, RowError
from readings.formats.apple_health.lines import BEGINNING, read_lines

_BLOCK = 16 * 2**20
_ROOT = re.compile(rb"<HealthData[\s>/]")
_MAX_PROLOG = 2**20
_MAX_ELEMENT = 8 * 2**20
_MAX_DEPTH = 64
_MAX_ERRORS = 1000
_CHUNK = 100_000
# Characters that XML does not allow, which some apps nevertheless write into names.
_FORBIDDEN = bytes(set(range(32)) - {9, 10, 13})
_FORBIDDEN_REFERENCE = re.compile(rb"&#(?:x0*(?:[0-8bcef]|1[0-9a-f])|0*(?:[0-8]|1[124-9]|2\d|3[01]));", re.IGNORECASE)
_END = b"\n</HealthData>"
_PREFIX = b'<?xml version="1.0" encoding="UTF-8"?>'
# Records within a correlation are records.
_IGNORED = {"HealthData", "ExportDate", "MetadataEntry", "Correlation", "WorkoutEvent", "Location", "FileReference"}
_LABELS = {
    "ActivitySummary": "activity summaries",
    "Audiogram": "audiograms",
    "ClinicalRecord": "clinical records",
    "HeartRateVariabilityMetadataList": "",
    "InstantaneousBeatsPerMinute": "single heart beats",
    "VisionPrescription": "vision prescriptions",
    "WorkoutActivity": "parts of workouts",
    "WorkoutRoute": "routes",
    "WorkoutStatistics": "statistics of workouts",
}

Attributes = list[str]


@dataclass
class Elements:
    """Attributes of a chunk's elements, as lists of names and values in turn, with the number of each record.

    `zones` has the time zone of those records that state one, by their number. `tables` has further records as columns.
    """

    records: list[Attributes] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    workouts: list[Attributes] = field(default_factory=list)
    workout_numbers: list[int] = field(default_factory=list)
    zones: dict[int, str] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    errors: list[RowError] = field(default_factory=list)
    tables: list[pl.DataFrame] = field(default_factory=list)
    person: str = ""
    size: int = 0

    @property
    def count(self) -> int:
        """Return the number of records."""
        return len(self.records) + sum(map(len, self.tables))


def read_elements(stream: Limited) -> Iterator[Elements]:
    """Yield the elements in chunks. What is not XML is an error, after which reading goes on with the next line.

    Raise FileError if the document has no root, entities, or elements that are too large or too deep, and DamageError
    where the stream is damaged.
    """
    reader = _Reader(stream.name)
    rest = _skip_prolog(stream)
    damage = None
    while not damage:
        try:
            block = stream.read(_BLOCK)
        except DamageError as error:
            damage, block = error, b""
        if not block:
            break
        rest += block.translate(None, _FORBIDDEN)
        # What follows the last beginning of a record may be incomplete.
        end = rest.rfind(b"\n" + BEGINNING) + 1
        if end or len(rest) > _MAX_ELEMENT:
            reader.read(rest[: end or None])
            rest = rest[end:] if end else b""
        if reader.elements.count >= _CHUNK:
            yield reader.take()
    reader.read(rest)
    if not damage:
        reader.finish()
    yield reader.take()
    if damage:
        raise damage


def _skip_prolog(stream: Limited) -> bytes:
    """Return the first bytes from the root element on."""
    data = b""
    while len(data) < _MAX_PROLOG and (block := stream.read(_BLOCK)):
        data += block.translate(None, _FORBIDDEN)
        if found := _ROOT.search(data):
            return data[found.start() :]
    raise FileError(RowError(f"The file {stream.name} has no element HealthData at its beginning."))


class _Reader:
    """Feeds a parser, and starts another one after an error."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.elements = Elements()
        self.number = 0
        self.depth = 0
        self.error_count = 0
        self.is_complete = False
        self.may_read_lines = True
        self._start_parser(_PREFIX)

    def take(self) -> Elements:
        """Return the elements since the last call."""
        elements, self.elements = self.elements, Elements()
        self.append, self.count = self.elements.records.append, self.elements.numbers.append
        return elements

    def read(self, piece: bytes) -> None:
        """Read what follows: by lines, if it has nothing but complete records, and otherwise with the parser."""
        self.elements.size += len(piece)
        begin = 0 if piece.startswith(BEGINNING) else piece.find(b"\n" + BEGINNING) + 1
        end = piece.rfind(_END) + 1 or len(piece)
        for part in (piece[:begin], piece[begin:end], piece[end:]):
            if part:
                self._read_part(part)

    def _read_part(self, piece: bytes) -> None:
        # A record in a comment is none. Only the parser knows where a comment ends.
        self.may_read_lines &= b"<!" not in piece and b"<?" not in piece
        may_read = self.may_read_lines and self.depth == 1 and piece.startswith(BEGINNING)
        if may_read and (lines := read_lines(piece, self.number)):
            self.elements.tables.append(lines.table)
            self.elements.zones |= lines.zones
            self.elements.left_out["single heart beats"] += lines.beats
            self.number = lines.number
            return
        self._feed(_FORBIDDEN_REFERENCE.sub(b"", piece) if b"&#" in piece else piece)

    def _feed(self, block: bytes) -> None:
        self._parse(block)
        if self.fed - self.parser.CurrentByteIndex > _MAX_ELEMENT:
            raise FileError(RowError(f"The file {self.name} has an element of more than 8 MB.", self.number))

    def finish(self) -> None:
        if not self.is_complete:
            reason = "The file ends here, in the middle: it was cut off. Get it again, and upload it as a whole."
            self.elements.errors.append(RowError(reason, self.number + 1))

    def _start_parser(self, beginning: bytes) -> None:
        self.parser = expat.ParserCreate()
        self.parser.ordered_attributes = True
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._refuse_definitions
        self.fed = len(beginning)
        self.parser.Parse(beginning)
        self.append, self.count = self.elements.records.append, self.elements.numbers.append

    def _parse(self, block: bytes) -> None:
        while block:
            begin = self.fed
            self.fed += len(block)
            try:
                self.parser.Parse(block)
            except expat.ExpatError as error:
                block = self._recover(block, self.parser.ErrorByteIndex - begin, error)
            else:
                return

    def _recover(self, block: bytes, place: int, error: expat.ExpatError) -> bytes:
        """Return what follows the line with the error."""
        self.error_count += 1
        if self.error_count > _MAX_ERRORS:
            raise FileError(RowError(f"The file {self.name} is not an XML document.", self.number))
        begin = block.rfind(b"\n", 0, max(place, 0)) + 1
        end = block.find(b"\n", max(place, 0))
        line = block[begin : end if end >= 0 else None].strip().decode("utf-8", "replace")
        if self.is_complete:
            return b""
        reason = f"This is not XML: {expat.errors.messages[error.code]}."
        self.elements.errors.append(RowError(reason, self.number + 1, "", line))
        self.depth = 0
        self._start_parser(_PREFIX + b"<HealthData>")
        return block[end + 1 :] if end >= 0 else b""

    def _refuse_definitions(self, *definition: object) -> None:
        raise FileError(RowError(f"The file {self.name} has definitions after its beginning, which are not allowed."))

    def _start(self, name: str, attributes: Attributes) -> None:
        self.depth += 1
        if name == "Record":
            self.number += 1
            self.append(attributes)
            self.count(self.number)
        elif name == "MetadataEntry":
            if "HKTimeZone" in attributes:
                self.elements.zones[self.number] = dict(zip(attributes[::2], attributes[1::2], strict=True)).get(
                    "value", ""
                )
        elif name == "Workout":
            self.number += 1
            self.elements.workouts.append(attributes)
            self.elements.workout_numbers.append(self.number)
        elif name == "Me":
            self.elements.person = "|".join(sorted(value for value in attributes[1::2] if "NotSet" not in value))
        elif name not in _IGNORED:
            self._leave_out(name)
        if self.depth > _MAX_DEPTH:
            raise FileError(RowError(f"The file {self.name} has more than {_MAX_DEPTH} elements in each other."))

    def _end(self, name: str) -> None:
        self.depth -= 1
        if name == "HealthData":
            self.is_complete = True

    def _leave_out(self, name: str) -> None:
        label = _LABELS.get(name, "other elements")
        if label:
            self.elements.left_out[label] += 1
