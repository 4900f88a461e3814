"""Read the lines of a text file."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import StringIO
from itertools import accumulate
from pathlib import Path
from typing import TextIO

from healthtrack.core.cleaning import INVISIBLE
from healthtrack.core.downloads.formula_escaping import BYTE_ORDER_MARK
from healthtrack.imports.reading.encodings import detect_encoding
from healthtrack.imports.reading.table import BATCH_ROWS, SAMPLE_SHARE
from healthtrack.imports.row_errors import FileError, RowError

MAX_LINE_CHARACTERS = 12 * 2**20
# Of a batch, so that few long rows need no more memory than many short ones.
MAX_BATCH_CHARACTERS = 2**22
_BLOCK_BYTES = 2**16
_BLOCK_CHARACTERS = 2**18
_LINE_ENDS = {b"\n", b"\r"}
_PADDING = "\0\x1a"  # at the end of files of some programs
# Of the separators \x1c to \x1f, \s means all for Python and none for polars.
BLANK = rf"^(?:\s|{INVISIBLE}|[\x00\x1a\x1c-\x1f])*$"
_IS_BLANK = re.compile(BLANK)
_SEPARATOR_LINE = re.compile(r"sep=([,;|:^~\t])[\r\n]*$", re.IGNORECASE)


class Lines:
    """An iterator over a file's lines, some of which can be put back to be read again."""

    def __init__(self, file: TextIO) -> None:
        self._blocks = _split_lines(file)
        self._block: list[str] = []
        self._position = 0  # of the next line in the block
        self._returned: list[str] = []
        self.record: list[str] = []
        self.number = 0
        self.batch_rows = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._returned.pop() if self._returned else self._read_line()
        self.number += 1
        self.record.append(line)
        return line

    def _read_line(self) -> str:
        if self._position == len(self._block):
            self._block, self._position = next(self._blocks), 0
        self._position += 1
        return self._block[self._position - 1]

    def find_header(self, line: int = 0) -> int:
        """Go to the line, or to the first one that is neither blank nor names the delimiter. Return its number."""
        for text in self:
            if self.number < line or (not line and (is_blank(text) or get_named_delimiter(text))):
                continue
            self.put_back([text])
            return self.number + 1
        return max(self.number, 1)

    def read_batch(self) -> list[str]:
        """Return the next lines of the file. Only to be called while no line is put back."""
        lines: list[str] = []
        characters = 0
        most = MAX_BATCH_CHARACTERS // SAMPLE_SHARE if self.batch_rows else MAX_BATCH_CHARACTERS
        rows = self.batch_rows or BATCH_ROWS
        while len(lines) < rows and characters < most:
            if self._position == len(self._block):
                self._block, self._position = next(self._blocks, []), 0
            available = self._block[self._position : self._position + rows - len(lines)]
            if not available:
                break
            sizes = list(accumulate(map(len, available), initial=characters))
            taken = bisect_left(sizes, most, hi=len(available))
            lines += available[:taken]
            characters = sizes[taken]
            self._position += taken
        self.number += len(lines)
        return lines

    def put_back(self, lines: list[str]) -> None:
        self._returned.extend(reversed(lines))
        self.number -= len(lines)

    def begin_record(self) -> int:
        """Start to collect the lines of a record. Return the line on which it begins."""
        self.record.clear()
        return self.number + 1

    def put_back_record(self) -> None:
        """Put back all lines of the record but its first, so that an unclosed quote costs only its own line."""
        self.put_back(self.record[1:])

    @property
    def any_put_back(self) -> bool:
        return bool(self._returned)


@contextmanager
def open_lines(path: Path, encoding: str = "") -> Iterator[Lines]:
    """Open a text file as lines, without the byte-order marks at its beginning and the padding at its end."""
    codec = encoding or detect_encoding(path).name
    with path.open(encoding=codec, errors="replace", newline="") as file:
        yield Lines(file)


def count_lines(path: Path) -> int:
    """Return how many lines a file has. Each ends in LF, in CR or in both, as `open` reads them."""
    lines = 0
    last = b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            lines += len(block.splitlines()) - (block[-1:] not in _LINE_ENDS)
            lines -= last == b"\r" and block.startswith(b"\n")
            last = block[-1:]
    return lines + (last not in _LINE_ENDS)


def _split_lines(file: TextIO) -> Iterator[list[str]]:
    """Yield the lines of a file, many at a time. Raise FileError at one that is too long.

    Of such a line, not all is in memory.
    """
    number, rest = 1, [""]
    while block := file.read(_BLOCK_CHARACTERS):
        is_end_of_line = any(end in rest[-1][-1:] + block for end in "\r\n")
        rest.append(block)
        # A long line is in many blocks, and is copied only once.
        if is_end_of_line:
            *lines, last = StringIO("".join(rest), newline="").readlines()
            rest = [last]
            if lines:
                _check_length(len(lines[0]), number)
                if number == 1:
                    lines[0] = lines[0].lstrip(BYTE_ORDER_MARK)
                yield lines
                number += len(lines)
        _check_length(sum(map(len, rest)), number)
    if last := "".join(rest):
        yield [(last.lstrip(BYTE_ORDER_MARK) if number == 1 else last).rstrip(_PADDING)]


def _check_length(characters: int, number: int) -> None:
    if characters > MAX_LINE_CHARACTERS:
        reason = f"The line is longer than {MAX_LINE_CHARACTERS:,} characters. Begin a new line for each row."
        raise FileError(RowError(reason, number))


def is_blank(text: str) -> bool:
    """Return whether a line or cell has no visible content."""
    return bool(_IS_BLANK.match(text))


def are_blank(cells: Iterable[str | None]) -> bool:
    """Return whether no cell of a row, or of a part of it, has visible content; a missing cell has none."""
    return all(map(is_blank, filter(None, cells)))  # without a call for each of a million empty cells


def get_named_delimiter(line: str) -> str:
    """Return the delimiter that a first line such as `sep=;` names, or an empty text."""
    named = _SEPARATOR_LINE.match(line)
    return named[1] if named else ""
