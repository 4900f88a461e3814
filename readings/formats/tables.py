"""Tables of vendors: lines with cells, read in the ways in which vendors really write them."""

import codecs
import csv
from collections.abc import Iterator, Sequence

from healthtrack.imports.opening import Part, open_part
from healthtrack.imports.row_errors import FileError, RowError

MAX_LINE = 2**20
_BLOCK = 2**20
_DELIMITERS = ",;\t"
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# The byte order mark, and what becomes of it when a program takes UTF-8 for another encoding, once or twice.
_MARKS = ("\ufeff", "ï»¿", "Ã¯Â»Â¿")


class Record:
    """The cells of a row, and the number of its first line."""

    __slots__ = ("cells", "line")

    def __init__(self, line: int, cells: Sequence[str]) -> None:
        self.line, self.cells = line, cells

    def get(self, place: int) -> str:
        """Return a cell without blanks around it; empty if the row ends before it."""
        return self.cells[place].strip() if 0 <= place < len(self.cells) else ""


def decode_beginning(part: Part) -> str:
    """Return the first characters of a part, which may end within a line."""
    encoding = "utf-16" if part.beginning.startswith(_UTF16) else "utf-8"
    return _without_mark(part.beginning.decode(encoding, "replace"))


def split_beginning(part: Part) -> list[Record]:
    """Return the rows at the beginning of a part, the last of which may be cut off."""
    lines = decode_beginning(part).splitlines()
    delimiter = find_delimiter(lines)
    return [Record(number, split_cells(line, delimiter)) for number, line in enumerate(lines, start=1)]


def find_delimiter(lines: Sequence[str]) -> str:
    """Return what separates the cells of the line that has most of them."""
    return max(_DELIMITERS, key=lambda delimiter: max((line.count(delimiter) for line in lines), default=0))


def read_records(part: Part) -> Iterator[Record]:
    """Yield the rows that are not empty. Raise FileError if the part is damaged, or no text of lines."""
    delimiter = find_delimiter(decode_beginning(part).splitlines())
    position = [0]
    reader = csv.reader(_count(_read_lines(part), position), delimiter=delimiter)
    while True:
        first = position[0] + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            reason = f"The file {part.name} has a cell that is too long: a quote is opened but not closed."
            raise FileError(RowError(reason, first)) from error
        if any(cells):
            yield Record(first, split_cells(cells[0], delimiter) if len(cells) == 1 else cells)


def _count(lines: Iterator[str], position: list[int]) -> Iterator[str]:
    for line in lines:
        position[0] += 1
        yield line


def split_cells(line: str, delimiter: str = ",") -> list[str]:
    """Return the cells of a line, also if the whole line is quoted; the line itself if it is not a line of a table."""
    try:
        cells = next(csv.reader([line], delimiter=delimiter), [])
        return next(csv.reader(cells, delimiter=delimiter), []) if len(cells) == 1 else cells
    except csv.Error:
        return [line]


def _read_lines(part: Part) -> Iterator[str]:
    encoding = "utf-16" if part.beginning.startswith(_UTF16) else "utf-8"
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    rest, is_first = "", True
    with open_part(part) as stream:
        while data := stream.read(_BLOCK):
            text = decoder.decode(data)
            if is_first:
                text, is_first = _without_mark(text), False
            *lines, rest = (rest + text).split("\n")
            yield from (f"{line}\n" for line in lines)
            if len(rest) > MAX_LINE:
                raise FileError(RowError(f"The file {part.name} has a line of more than a megabyte."))
    if rest:
        yield rest


def _without_mark(text: str) -> str:
    for mark in _MARKS:
        text = text.removeprefix(mark)
    return text
