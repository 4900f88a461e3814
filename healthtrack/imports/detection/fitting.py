"""Find the importer that a file fits: before a run of it begins, or if it does not fit the one it was uploaded for."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from healthtrack.imports.columns.plan import Column
from healthtrack.imports.detection import names
from healthtrack.imports.detection.memory import Recall
from healthtrack.imports.detection.structure import Candidate, find_book_structure, find_text_structure
from healthtrack.imports.reading import is_workbook
from healthtrack.imports.reading.archive import open_archive
from healthtrack.imports.reading.encodings import UTF_8, find_utf_16
from healthtrack.imports.reading.table import UNKNOWN_STRUCTURE, FileStructure
from healthtrack.imports.reading_plans import Certainty, DetectedPart, ReadingPlan
from healthtrack.imports.row_errors import FileError

_POOR = 0.5  # of the columns: a file with fewer may belong elsewhere
_GOOD = 0.8
_HEAD_BYTES = 512
MAX_UNPACKED_BYTES = 64 * 2**20  # of a workbook that the web server opens


def redirect_plan(
    plan: ReadingPlan, path: Path, own: Sequence[Column], others: Mapping[str, Sequence[Column]]
) -> ReadingPlan:
    """Return the plan; without its questions, and with the name of a better importer, if the file fits one.

    `others` has the columns of other importers by their names.
    """
    matched = sum(
        1
        for part in plan.parts
        if names.get_position(part.name) is not None
        and part.value != names.NOT_IMPORTED
        and part.certainty is not Certainty.UNKNOWN
    )
    if matched >= _POOR * len(own):
        return plan
    shares = {name: _count_matches(path, columns) / len(columns) for name, columns in others.items()}
    best = max(shares, key=shares.__getitem__, default="")
    if not best or shares[best] < _GOOD:
        return plan
    return ReadingPlan([*plan.parts, DetectedPart(names.FITS, best)])


def get_better_importer(plan: ReadingPlan) -> str:
    """Return the name of the importer that the file fits better, or an empty text."""
    return next((part.value for part in plan.parts if part.name == names.FITS), "")


def count_known_columns(path: Path, columns: Sequence[Column], recall: Recall) -> int:
    """Return how many of the columns the file has, without reading all of it; 0 if it has less than half of them.

    If `recall` returns profiles for its header, all columns count: a person has chosen their fields before. A workbook
    that is too large to be opened for this is not recognized.
    """
    try:
        if is_workbook(path):
            with open_archive(path) as archive:
                if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED_BYTES:
                    return 0
            structure = UNKNOWN_STRUCTURE
        else:
            with path.open("rb") as file:
                structure = FileStructure(find_utf_16(file.read(_HEAD_BYTES)) or UTF_8)
    except FileError:
        return 0
    header = _find_header(path, columns, structure)
    if not header:
        return 0
    if header.matches >= _POOR * len(columns):
        return header.matches
    return len(columns) if recall(header.cells) else 0


def _count_matches(path: Path, columns: Sequence[Column]) -> int:
    """Return how many of the columns the file has."""
    header = _find_header(path, columns, UNKNOWN_STRUCTURE)
    return header.matches if header else 0


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
