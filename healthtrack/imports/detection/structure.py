"""Find the table in a file: the delimiter, the sheet and the header row that match the most columns."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from healthtrack.imports.columns.plan import Column
from healthtrack.imports.detection import names
from healthtrack.imports.detection.columns import count_matches
from healthtrack.imports.detection.reasons import Why
from healthtrack.imports.reading.delimited import DELIMITERS, RARE_DELIMITERS
from healthtrack.imports.reading.encodings import Encoding, detect_encoding
from healthtrack.imports.reading.lines import are_blank, get_named_delimiter, open_lines
from healthtrack.imports.reading.table import FileStructure
from healthtrack.imports.reading_plans import Certainty, DetectedPart
from healthtrack.imports.row_errors import show_value

if TYPE_CHECKING:  # only workbooks need it
    from healthtrack.imports.reading.workbook import Workbook

MAX_HEADER_ROWS = 30  # of which one is the header
_MAX_SEARCHED_ROWS = 500  # if no row among these names half of the columns
_GOOD = 0.5
_MAX_CHARACTERS = 2**16
_MIN_MATCHES = 2  # in a row that is not the first
SAMPLE_ROWS = 2000


@dataclass(frozen=True)
class Candidate:
    """A row that may be the header, how many columns it names, and whether rows follow it."""

    matches: int
    line: int
    cells: Sequence[str]
    delimiter: str = ""
    sheet: str = ""
    has_rows: bool = True


@dataclass(frozen=True)
class TextStructure:
    """What was found out about a text file. Without a header, no row names any column."""

    structure: FileStructure
    encoding: Encoding
    header: Candidate | None


@dataclass(frozen=True)
class BookStructure:
    """What was found out about a workbook: the sheet to read, and the others with as many of the columns."""

    structure: FileStructure
    header: Candidate | None
    sheets: Sequence[str]
    others: Sequence[str]


def find_text_structure(path: Path, columns: Sequence[Column], known: FileStructure) -> TextStructure:
    """Find out what is not known yet about a text file."""
    encoding = Encoding(known.encoding) if known.encoding else detect_encoding(path)
    header: Candidate | None = None
    named = ""
    for rows in _list_search_depths(known):
        with open_lines(path, encoding.name) as lines:
            head = _take(lines, rows)
        named = next((delimiter for line in head[:1] if (delimiter := get_named_delimiter(line))), "")
        delimiters = known.delimiter or _list_possible_delimiters(head, named)
        candidates = [each for delimiter in delimiters for each in _list_candidates(head, delimiter, columns)]
        header = choose_header(candidates, known.header_line)
        if len(head) < rows or _is_good(header, columns):
            break
    delimiter = known.delimiter or (header.delimiter if header else named)
    line = known.header_line or (header.line if header else 0)
    return TextStructure(FileStructure(encoding.name, delimiter, header_line=line), encoding, header)


def find_book_structure(book: "Workbook", columns: Sequence[Column], known: FileStructure) -> BookStructure:
    """Find out what is not known yet about a workbook."""
    headers: dict[str, Candidate] = {}
    best: Candidate | None = None
    for rows in _list_search_depths(known):
        for sheet in [known.sheet] if known.sheet else book.sheets:
            if header := _find_header(book, replace(known, sheet=sheet), columns, rows):
                headers[sheet] = header
        best = max(headers.values(), key=_rank, default=None)
        if _is_good(best, columns):
            break
    sheet = known.sheet or (best.sheet if best else "")
    others = [name for name, each in headers.items() if best and _rank(each) == _rank(best) and name != sheet]
    line = known.header_line or (best.line if best else 0)
    return BookStructure(replace(known, sheet=sheet, header_line=line), best, book.sheets, others)


def _find_header(book: "Workbook", known: FileStructure, columns: Sequence[Column], rows: int) -> Candidate | None:
    sheet, line = known.sheet, known.header_line
    # Hidden rows count as well: only those below the header can be left out.
    first, _ = next(book.read_batches(replace(known, hidden_rows=None), batch_rows=rows))
    cells_by_line = ((number, [cell or "" for cell in row]) for number, row in first[:rows])
    found = [Candidate(count_matches(cells, columns), number, cells, sheet=sheet) for number, cells in cells_by_line]
    header = choose_header(found, line)
    return header and replace(header, has_rows=first[-1][0] > header.line)


def _rank(header: Candidate) -> tuple[int, bool]:
    """Return how well a sheet fits: a template without rows less than a sheet with the same header and rows."""
    return header.matches, header.has_rows


def _list_search_depths(known: FileStructure) -> list[int]:
    """Return among how many rows to look for the header: among few first, which are enough for nearly all files."""
    return sorted({max(MAX_HEADER_ROWS, min(known.header_line, _MAX_SEARCHED_ROWS)), _MAX_SEARCHED_ROWS})


def _is_good(header: Candidate | None, columns: Sequence[Column]) -> bool:
    return header is not None and header.matches >= _GOOD * len(columns)


def choose_header(candidates: Sequence[Candidate], line: int = 0) -> Candidate | None:
    """Return the first of the rows that name the most columns, or of those in a known line; None if no row does."""
    possible = [each for each in candidates if each.line == line] if line else candidates
    first = min((each.line for each in possible), default=0)
    named = [each for each in possible if each.matches >= _MIN_MATCHES or (each.matches and each.line == first)]
    return max(named, key=lambda each: (each.matches, -each.line), default=None)


def _take(lines: Iterator[str], rows: int) -> list[str]:
    """Return the first lines: enough for the rows that may be the header, and not too long."""
    taken: list[str] = []
    for line in islice(lines, rows):
        taken.append(line[:_MAX_CHARACTERS])
        if sum(map(len, taken)) > _MAX_CHARACTERS:
            break
    return taken


def _list_possible_delimiters(head: Sequence[str], named: str) -> list[str]:
    """Return the delimiters to try: of those that no line contains, only the first, as they all give the same rows."""
    delimiters = list(dict.fromkeys(named + DELIMITERS + RARE_DELIMITERS))
    absent = [delimiter for delimiter in delimiters if not any(delimiter in line for line in head)]
    return [delimiter for delimiter in delimiters if delimiter not in absent[1:]]


def _list_candidates(head: Sequence[str], delimiter: str, columns: Sequence[Column]) -> list[Candidate]:
    reader = csv.reader(iter(head), delimiter=delimiter, skipinitialspace=True)
    candidates: list[Candidate] = []
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except (StopIteration, csv.Error):
            return candidates
        if not are_blank(cells):
            candidates.append(Candidate(count_matches(cells, columns), line, cells, delimiter))


def list_text_parts(found: TextStructure, columns: Sequence[Column], answers: Mapping[str, str]) -> list[DetectedPart]:
    """Return the parts of a plan that say where the table of a text file is."""
    encoding = found.encoding
    part = DetectedPart(names.ENCODING, encoding.name, reason=Why.VALID_ENCODING)
    if names.ENCODING in answers:
        part = DetectedPart(names.ENCODING, encoding.name, reason=Why.CHOSEN)
    elif encoding.examples and found.header:  # without a header the file is no table in any encoding
        params = {"example": show_value(encoding.example), "examples": encoding.examples}
        part = DetectedPart(names.ENCODING, encoding.name, Certainty.UNKNOWN, Why.UNCLEAR_ENCODING, params)
    elif encoding.is_guess:
        params = {"example": show_value(encoding.example)}
        part = DetectedPart(names.ENCODING, encoding.name, Certainty.ASSUMED, Why.LOOKS_ENCODED, params)
    return [
        part,
        _part(names.DELIMITER, found.structure.delimiter, found.header, columns, answers),
        _part(names.HEADER_ROW, found.structure.header_line, found.header, columns, answers),
    ]


def list_book_parts(found: BookStructure, columns: Sequence[Column], answers: Mapping[str, str]) -> list[DetectedPart]:
    """Return the parts of a plan that say where the table of a workbook is."""
    sheet = found.structure.sheet or found.sheets[0]
    params: dict[str, Any] = {"sheets": list(found.sheets)}
    if names.SHEET in answers:
        part = DetectedPart(names.SHEET, sheet, reason=Why.CHOSEN, params=params)
    elif found.others:
        params["others"] = ", ".join(found.others)
        part = DetectedPart(names.SHEET, sheet, Certainty.ASSUMED, Why.SEVERAL_SHEETS, params)
    else:
        part = DetectedPart(names.SHEET, sheet, reason=Why.ONLY_SHEET, params=params)
    return [part, _part(names.HEADER_ROW, found.structure.header_line, found.header, columns, answers)]


def _part(
    name: str, value: str | int, header: Candidate | None, columns: Sequence[Column], answers: Mapping[str, str]
) -> DetectedPart:
    if name in answers:
        return DetectedPart(name, value, reason=Why.CHOSEN)
    params = {"matches": header.matches if header else 0, "columns": len(columns)}
    return DetectedPart(name, value, reason=Why.MATCHING_COLUMNS, params=params)
