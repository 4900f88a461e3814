"""The XML of a workbook's parts, read piece by piece: however long a part is, little of it is held at once."""

from collections.abc import Iterator, Mapping
from typing import NoReturn
from xml.parsers.expat import ExpatError, ParserCreate
from zipfile import ZipFile

from healthtrack.imports.reading.archive import pieces_of, unreadable

LONGEST_TEXT = 2**17
_LONGEST_TAG = 2**20
_BLANK = " "

Attributes = Mapping[str, str]


class PartParser:
    """Calls `start` and `end` for each element, by its name after that of its namespace, as in `main` + "row".

    `text` gathers the letters; whoever wants those of an element clears it at the start.
    """

    def __init__(self) -> None:
        self.main = ""
        self.text: list[str] = []
        self._parser = ParserCreate(namespace_separator=_BLANK)
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = _refuse  # entities are declared there, and no workbook has any
        self._parser.StartElementHandler = self._start_root
        self._parser.EndElementHandler = self.end
        self._parser.CharacterDataHandler = self.text.append

    def begin(self, root: str) -> None:
        """The root element is there, and with it `main`."""

    def start(self, name: str, attributes: Attributes) -> None:
        raise NotImplementedError

    def end(self, name: str) -> None:
        """An element has ended."""

    def parse(self, archive: ZipFile, part: str) -> Iterator[int]:
        """Gives, after each piece, how many bytes are read."""
        read = 0
        try:
            for piece in pieces_of(archive, part):
                self._parser.Parse(piece)
                read += len(piece)
                self._bound(read)
                yield read
            self._parser.Parse(b"", True)  # noqa: FBT003  (the parser takes no names)
        except ExpatError as fault:
            raise unreadable() from fault

    def parse_whole(self, archive: ZipFile, part: str) -> None:
        for _ in self.parse(archive, part):
            pass

    def _start_root(self, name: str, attributes: Attributes) -> None:
        namespace, _, root = name.rpartition(_BLANK)
        self.main = f"{namespace}{_BLANK}" if namespace else ""
        self._parser.StartElementHandler = self.start
        self.begin(root)

    def _bound(self, read: int) -> None:
        """No text of a cell and no tag is longer than what a workbook may hold."""
        if sum(map(len, self.text)) > LONGEST_TEXT or read - self._parser.CurrentByteIndex > _LONGEST_TAG:
            raise unreadable()


def _refuse(*_: object) -> NoReturn:
    raise unreadable()
