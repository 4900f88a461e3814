"""A worksheet's rows, and the texts that its cells share."""

import re
from array import array
from collections.abc import Callable

from healthtrack.imports.reading.archive import unreadable
from healthtrack.imports.reading.xml import Attributes, PartParser
from healthtrack.imports.row_errors import Fault, FileRefusedError

MOST_COLUMNS = 256  # up to column IV
HIGHEST_ROW = 2**20
_ESCAPED = re.compile("_x((?!D[89A-F])[0-9A-F]{4})_", re.IGNORECASE)  # a letter that XML has no way to write
_MOST_LETTERS = 3
_MOST_DIGITS = 12
_DIGITS = "0123456789"

Row = list[str | None]
NumberInWords = Callable[[str, str], str]


class SharedTexts(PartParser):
    """The workbook's table of texts, kept end to end: there may be millions."""

    def __init__(self) -> None:
        super().__init__()
        self._texts = bytearray()
        self._ends = array("Q", [0])
        self._spoken = False

    def at(self, number: str) -> str:
        ends = self._ends
        place = _whole(number)
        if place >= len(ends) - 1:
            raise unreadable()
        return self._texts[ends[place] : ends[place + 1]].decode()

    def begin(self, root: str) -> None:
        self._item, self._text, self._pronounced = (self.main + name for name in ("si", "t", "rPh"))

    def start(self, name: str, attributes: Attributes) -> None:
        if name == self._text:
            self.text.clear()
        elif name == self._pronounced:
            self._spoken = True

    def end(self, name: str) -> None:
        if name == self._text and not self._spoken:
            self._texts += _unescaped("".join(self.text)).encode()
        elif name == self._item:
            self._ends.append(len(self._texts))
        elif name == self._pronounced:
            self._spoken = False
        self.text.clear()


class SheetRows(PartParser):
    """Rows that hold anything, in `done`: each as its number and its cells, None where there is nothing.

    `start` and `end` are called tens of millions of times for a large sheet: what is frequent stands first in them,
    and calls nothing that it can do without.
    """

    def __init__(self, texts: SharedTexts, number_in_words: NumberInWords) -> None:
        super().__init__()
        self.done: list[tuple[int, Row]] = []
        self._texts = texts
        self._number_in_words = number_in_words
        self._columns: dict[str, int] = {}  # by their letters
        self._line = 0
        self._row: Row = []
        self._next = 0
        self._cell: Attributes = {}
        self._said: str | None = None  # what a cell says besides its value: its formula, or a text of its own
        self._spoken = False

    def begin(self, root: str) -> None:
        if root != "worksheet":
            raise unreadable()
        names = ("row", "c", "v", "f", "t", "rPh")
        self._a_row, self._a_cell, self._v, self._f, self._t, self._pronounced = (self.main + name for name in names)

    def start(self, name: str, attributes: Attributes) -> None:
        if name == self._v:
            self.text.clear()
        elif name == self._a_cell:
            self._cell = attributes
            self._said = None
            self.text.clear()
        elif name == self._a_row:
            self._begin_row(attributes.get("r"))
        elif name == self._pronounced:
            self._spoken = True
        else:
            self.text.clear()

    def end(self, name: str) -> None:
        if name == self._v:
            pass
        elif name == self._a_cell:
            self._end_cell()
        elif name == self._a_row:
            if self._row:
                self.done.append((self._line, self._row))
        elif name == self._t and not self._spoken:
            self._said = (self._said or "") + _unescaped("".join(self.text))
        elif name == self._f:
            self._said = "=" + "".join(self.text)
        elif name == self._pronounced:
            self._spoken = False

    def _begin_row(self, number: str | None) -> None:
        line = self._line + 1 if number is None else _whole(number)
        if not self._line < line <= HIGHEST_ROW:
            raise unreadable()
        self._line = line
        self._row = []
        self._next = 0

    def _end_cell(self) -> None:
        cell = self._cell
        if place := cell.get("r"):
            letters = place.rstrip(_DIGITS)
            position = self._columns.get(letters)
            if position is None:
                position = self._columns[letters] = _position(letters)
        else:
            position = self._next
        self._next = position + 1
        value = "".join(self.text)
        kind = cell.get("t", "n")
        if self._said is not None:
            value = self._said
        elif kind == "s" and value:
            value = self._texts.at(value)
        elif kind == "n":
            value = self._number_in_words(value, cell.get("s", "0"))
        elif kind == "b":
            value = "true" if value == "1" else "false"
        if value:
            row = self._row
            if position == len(row):
                row.append(value)
            else:
                row.extend([None] * (position - len(row)))
                row[position : position + 1] = [value]


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _whole(number: str) -> int:
    if not number.isdecimal() or len(number) > _MOST_DIGITS:
        raise unreadable()
    return int(number)


def _position(letters: str) -> int:
    if not (letters.isascii() and letters.isalpha() and letters.isupper()):
        raise unreadable()
    position = 0
    for letter in letters[: _MOST_LETTERS + 1]:
        position = position * 26 + ord(letter) - ord("A") + 1
    if position > MOST_COLUMNS:
        reason = "The first sheet holds cells far off the table; delete them, or save the table as CSV."
        raise FileRefusedError(Fault(reason))
    return position - 1
