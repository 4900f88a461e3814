"""Say how well a file fits the columns of an importer."""

from collections.abc import Sequence
from pathlib import Path

from healthtrack.imports.columns.plan import Column
from healthtrack.imports.detection import names
from healthtrack.imports.detection.memory import Recall
from healthtrack.imports.detection.structure import Candidate, find_book_structure, find_text_structure
from healthtrack.imports.reading import is_workbook
from healthtrack.imports.reading.archive import open_archive
from healthtrack.imports.reading.encodings import UTF_8, find_utf_16
from healthtrack.imports.reading.table import UNKNOWN_STRUCTURE, FileStructure
from healthtrack.imports.reading_plans import Certainty, ReadingPlan
from healthtrack.imports.row_errors import FileError

_POOR = 0.5  # of the columns: a file with fewer may belong elsewhere
_HEAD_BYTES = 512
MAX_UNPACKED_BYTES = 64 * 2**20  # of a workbook that the web server opens


def has_poor_match(plan: ReadingPlan, columns: Sequence[Column]) -> bool:
    """Return whether the plan has found so few of the columns that the file may belong elsewhere."""
    matched = sum(
        1
        for part in plan.parts
        if names.get_position(part.name) is not None
        and part.value != names.NOT_IMPORTED
        and part.certainty is not Certainty.UNKNOWN
    )
    return matched < _POOR * len(columns)


def count_known_columns(path: Path, columns: Sequence[Column], recall: Recall) -> int:
    """Return how many of the columns the file has, without reading all of it; 0 if it has less than half of them.

    If `recall` returns profiles for its header, all columns count: a person has chosen their fields before. A workbook
    that is too large to be opened for this is not recognized.
    """
    structure = _get_quick_structure(path)
    header = _find_header(path, columns, structure) if structure else None
    if not header:
        return 0
    if header.matches >= _POOR * len(columns):
        return header.matches
    return len(columns) if recall(header.cells) else 0


def measure_columns(path: Path, columns: Sequence[Column]) -> float:
    """Return the share of the columns that the file has, from 0 to 1; 0 if it is not a table, or too large."""
    header = _find_header(path, columns, UNKNOWN_STRUCTURE) if _get_quick_structure(path) else None
    return header.matches / len(columns) if header else 0


def _get_quick_structure(path: Path) -> FileStructure | None:
    """Return what is known of a file without reading all of it; None if it is not a table, or a very large workbook."""
    try:
        if is_workbook(path):
            with open_archive(path) as archive:
                is_large = sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED_BYTES
                return None if is_large else UNKNOWN_STRUCTURE
        with path.open("rb") as file:
            return FileStructure(find_utf_16(file.read(_HEAD_BYTES)) or UTF_8)
    except FileError:
        return None


def _find_header(path: Path, columns: Sequence[Column], known: FileStructure) -> Candidate | None:
    """Return the row that names the most columns, or None if no row does or the file cannot be read."""
    try:
        if is_workbook(path):
            from healthtrack.imports.reading.workbook import open_book  # noqa: PLC0415  (only workbooks need it)

            with open_book(path) as book:
                return find_book_structure(book, columns, known).header
        return find_text_structure(path, columns, known).header
    except FileError:
        return None
