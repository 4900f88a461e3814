"""Parse the XML of a workbook's parts in chunks, so that even a long part needs little memory."""

from collections.abc import Iterator, Mapping
from typing import NoReturn
from xml.parsers.expat import ExpatError, ParserCreate
from zipfile import ZipFile

from healthtrack.imports.reading.archive import read_chunks, unreadable_workbook

MAX_TEXT_CHARACTERS = 2**17
_MAX_TAG_BYTES = 2**20
_MAX_DEPTH = 100
_SPACE = " "

Attributes = Mapping[str, str]


class PartParser:
    """Calls `start` and `end` for each element. An element's name follows that of its namespace: `main` + "row".

    `text` collects the characters. A subclass that wants the text of an element clears it when the element starts.
    `depth` counts the open elements, which need memory; `start` and `end` update it, because to wrap them is slow.
    """

    def __init__(self) -> None:
        self.main = ""
        self.text: list[str] = []
        self.depth = 0
        self._parser = ParserCreate(namespace_separator=_SPACE)
        self._parser.buffer_text = True
        # Entities, which can expand to gigabytes, are declared in a DOCTYPE. No workbook needs one.
        self._parser.StartDoctypeDeclHandler = _reject
        self._parser.StartElementHandler = self._start_root
        self._parser.EndElementHandler = self.end
        self._parser.CharacterDataHandler = self.text.append

    def begin(self, root: str) -> None:
        """Handle the root element, by its name without the namespace. `main` is known from here on."""

    def start(self, name: str, attributes: Attributes) -> None:
        """Handle the start of an element below the root, and increase `depth`."""
        raise NotImplementedError

    def end(self, name: str) -> None:
        """Handle the end of an element, and decrease `depth`."""
        self.depth -= 1

    def parse(self, archive: ZipFile, part: str) -> Iterator[int]:
        """Parse a part. Return, after each chunk, how many bytes have been read. Raise FileError if it is damaged."""
        read = 0
        try:
            for chunk in read_chunks(archive, part):
                self._parser.Parse(chunk)
                read += len(chunk)
                self._check_lengths(read)
                yield read
            self._parser.Parse(b"", True)  # noqa: FBT003  (the parser takes no names)
        except ExpatError as error:
            raise unreadable_workbook() from error

    def parse_whole(self, archive: ZipFile, part: str) -> None:
        for _ in self.parse(archive, part):
            pass

    def _start_root(self, name: str, attributes: Attributes) -> None:
        namespace, _, root = name.rpartition(_SPACE)
        self.main = f"{namespace}{_SPACE}" if namespace else ""
        self._parser.StartElementHandler = self.start
        self.begin(root)

    def _check_lengths(self, read: int) -> None:
        """Raise FileError if a text or a tag is longer, or elements are nested deeper, than in any workbook."""
        if (
            self.depth > _MAX_DEPTH
            or sum(map(len, self.text)) > MAX_TEXT_CHARACTERS
            or read - self._parser.CurrentByteIndex > _MAX_TAG_BYTES
        ):
            raise unreadable_workbook()


def _reject(*_: object) -> NoReturn:
    raise unreadable_workbook()
