"""Find the importer that a file fits, if it does not fit the one to which it was uploaded."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from healthtrack.imports.detection import names
from healthtrack.imports.detection.structure import find_book_structure, find_text_structure
from healthtrack.imports.plan import Column
from healthtrack.imports.reading import is_workbook
from healthtrack.imports.reading.table import UNKNOWN_STRUCTURE
from healthtrack.imports.reading.workbook import open_book
from healthtrack.imports.reading_plans import Certainty, DetectedPart, ReadingPlan
from healthtrack.imports.row_errors import FileError

_POOR = 0.5  # of the columns: a file with fewer may belong elsewhere
_GOOD = 0.8


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
        and part.certainty is Certainty.CERTAIN
    )
    if matched >= _POOR * len(own):
        return plan
    shares = {name: _get_share(path, columns) for name, columns in others.items()}
    best = max(shares, key=shares.__getitem__, default="")
    if not best or shares[best] < _GOOD:
        return plan
    return ReadingPlan([*plan.parts, DetectedPart(names.FITS, best)])


def get_better_importer(plan: ReadingPlan) -> str:
    """Return the name of the importer that the file fits better, or an empty text."""
    return next((part.value for part in plan.parts if part.name == names.FITS), "")


def _get_share(path: Path, columns: Sequence[Column]) -> float:
    """Return the share of the columns that the file has, from 0 to 1."""
    try:
        if is_workbook(path):
            with open_book(path) as book:
                header = find_book_structure(book, columns, UNKNOWN_STRUCTURE).header
        else:
            header = find_text_structure(path, columns, UNKNOWN_STRUCTURE).header
    except FileError:
        return 0
    return header.matches / len(columns) if header else 0
