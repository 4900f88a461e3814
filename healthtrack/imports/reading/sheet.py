"""Parse the rows of a worksheet, and the texts that its cells share."""

import re
from array import array
from collections.abc import Callable

from healthtrack.imports.reading.archive import unreadable_workbook
from healthtrack.imports.reading.xml import MAX_TEXT_CHARACTERS, Attributes, PartParser
from healthtrack.imports.row_errors import FileError, RowError

MAX_COLUMNS = 256  # up to column IV
MAX_ROWS = 2**20
MAX_MERGED = 2**17
MAX_SHARED_BYTES = 64 * 2**20  # three times what a full sheet of ordinary records shares
MAX_SHARED_BYTES_PER_CHUNK = 4 * 2**20  # for the cells of one chunk, each of which needs only some bytes there
_ESCAPED = re.compile("_x((?!D[89A-F])[0-9A-F]{4})_", re.IGNORECASE)  # a character that XML cannot hold
_MAX_COLUMN_LETTERS = 3
_MAX_DIGITS = 12
_DIGITS = "0123456789"
_TRUE = ("1", "true")

Row = list[str | None]
FormatNumber = Callable[[str, str], str]


class SharedTexts(PartParser):
    """The workbook's table of texts, stored end to end in one buffer, because there may be millions.

    `taken` counts the bytes that `get` has returned: a short cell can name a long text.
    """

    def __init__(self) -> None:
        super().__init__()
        self.taken = 0
        self._texts = bytearray()
        self._ends = array("Q", [0])
        self._in_phonetic = False

    def get(self, number: str) -> str:
        """Return a text by its number in the table. Raise FileError if there is none."""
        ends = self._ends
        place = _parse_number(number)
        if place >= len(ends) - 1:
            raise unreadable_workbook()
        text = self._texts[ends[place] : ends[place + 1]]
        self.taken += len(text)
        if self.taken > MAX_SHARED_BYTES_PER_CHUNK:
            raise FileError(RowError("The sheet repeats long texts very often. Save the table as CSV."))
        return text.decode()

    def begin(self, root: str) -> None:
        self._item, self._text, self._phonetic = (self.main + name for name in ("si", "t", "rPh"))

    def start(self, name: str, attributes: Attributes) -> None:
        self.depth += 1
        if name == self._text:
            self.text.clear()
        elif name == self._phonetic:
            self._in_phonetic = True

    def end(self, name: str) -> None:
        self.depth -= 1
        if name == self._text and not self._in_phonetic:
            self._texts += _unescape("".join(self.text)).encode()
        elif name == self._item:
            self._ends.append(len(self._texts))
        elif name == self._phonetic:
            self._in_phonetic = False
        self.text.clear()
        if len(self._texts) + len(self._ends) * self._ends.itemsize > MAX_SHARED_BYTES:
            raise FileError(RowError("The workbook has too many different texts. Save the table as CSV."))


class SheetRows(PartParser):
    """Collects the rows that are not empty in `done`: each as its number and its cells, None for an empty cell.

    `hidden` has the numbers of those that are hidden, `hidden_columns` the positions of the hidden columns, from 0, and
    `merged` the areas of merged cells, such as A2:A4.

    `start` and `end` are called tens of millions of times for a large sheet. They therefore test the most frequent
    names first, and call as few functions as possible.
    """

    def __init__(self, texts: SharedTexts, format_number: FormatNumber) -> None:
        super().__init__()
        self.done: list[tuple[int, Row]] = []
        self.hidden: list[int] = []
        self.hidden_columns: set[int] = set()
        self.merged: list[str] = []
        self._texts = texts
        self._format_number = format_number
        self._columns: dict[str, int] = {}  # positions by the letters of the columns
        self._line = 0
        self._row: Row = []
        self._is_hidden = False
        self._next = 0
        self._cell: Attributes = {}
        self._override: str | None = None  # the cell's formula or inline text, which count before its value
        self._in_phonetic = False

    def take_shared_bytes(self) -> int:
        """Return how many bytes of shared texts the cells have named since the last call."""
        taken, self._texts.taken = self._texts.taken, 0
        return taken

    def begin(self, root: str) -> None:
        if root != "worksheet":
            raise unreadable_workbook()
        names = ("row", "c", "v", "f", "t", "rPh", "mergeCell", "col")
        self._row_name, self._cell_name, self._v, self._f, self._t, self._phonetic, self._merged, self._column_name = (
            self.main + name for name in names
        )

    def start(self, name: str, attributes: Attributes) -> None:
        self.depth += 1
        if name == self._v:
            self.text.clear()
        elif name == self._cell_name:
            self._cell = attributes
            self._override = None
            self.text.clear()
        elif name == self._row_name:
            self._begin_row(attributes.get("r"))
            self._is_hidden = attributes.get("hidden") in _TRUE
        elif name == self._phonetic:
            self._in_phonetic = True
        elif name == self._merged:
            self._add_merged(attributes.get("ref", ""))
        elif name == self._column_name:
            if attributes.get("hidden") in _TRUE:
                first, last = (_parse_number(attributes.get(end, "")) for end in ("min", "max"))
                self.hidden_columns |= {*range(first - 1, min(last, MAX_COLUMNS))}
        else:
            self.text.clear()

    def end(self, name: str) -> None:
        self.depth -= 1
        if name == self._v:
            pass
        elif name == self._cell_name:
            self._end_cell()
        elif name == self._row_name:
            if self._row:
                self.done.append((self._line, self._row))
                if self._is_hidden:
                    self.hidden.append(self._line)
        elif name == self._t and not self._in_phonetic:
            self._override = (self._override or "") + _unescape("".join(self.text))
            if len(self._override) > MAX_TEXT_CHARACTERS:
                raise unreadable_workbook()
        elif name == self._f:
            self._override = "=" + "".join(self.text)
        elif name == self._phonetic:
            self._in_phonetic = False

    def _add_merged(self, area: str) -> None:
        self.merged.append(area)
        if len(self.merged) > MAX_MERGED:
            raise FileError(RowError("The sheet has too many merged cells. Split them, or save the table as CSV."))

    def _begin_row(self, number: str | None) -> None:
        line = self._line + 1 if number is None else _parse_number(number)
        if not self._line < line <= MAX_ROWS:
            raise unreadable_workbook()
        self._line = line
        self._row = []
        self._next = 0

    def _end_cell(self) -> None:
        cell = self._cell
        value = self._get_value(cell)
        if place := cell.get("r"):
            letters = place.rstrip(_DIGITS)
            position = self._columns.get(letters)
            if position is None:
                position = self._columns[letters] = find_column_position(letters)
        else:
            position = self._next
        self._next = position + 1
        if value:
            if position >= MAX_COLUMNS:
                reason = "The sheet has cells far outside the table. Delete them, or save the table as CSV."
                raise FileError(RowError(reason))
            row = self._row
            if position == len(row):
                row.append(value)
            else:
                row.extend([None] * (position - len(row)))
                row[position : position + 1] = [value]

    def _get_value(self, cell: Attributes) -> str:
        value = "".join(self.text)
        kind = cell.get("t", "n")
        if self._override is not None:
            return self._override
        if kind == "s":
            return self._texts.get(value) if value else ""
        if kind == "n":
            return self._format_number(value, cell.get("s", "0")) if value else ""
        if kind == "b":
            return "true" if value == "1" else "false"
        return _unescape(value) if kind == "str" else value


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


def _parse_number(number: str) -> int:
    if not number.isdecimal() or len(number) > _MAX_DIGITS:
        raise unreadable_workbook()
    return int(number)


def find_column_position(letters: str) -> int:
    """Return the position of a column by its letters, from 0 for A. Raise FileError if it has none."""
    if not (letters.isascii() and letters.isalpha() and letters.isupper()):
        raise unreadable_workbook()
    position = 0
    for letter in letters[: _MAX_COLUMN_LETTERS + 1]:
        position = position * 26 + ord(letter) - ord("A") + 1
    return position - 1
