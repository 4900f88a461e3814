"""The parts of a plan that say what becomes of merged cells and hidden rows of a sheet."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from healthtrack.imports.detection import names
from healthtrack.imports.detection.reasons import Why
from healthtrack.imports.reading.table import FileStructure, HiddenRows, MergedCells
from healthtrack.imports.reading_plans import Certainty, DetectedPart

if TYPE_CHECKING:  # only workbooks need it
    from healthtrack.imports.reading.sheet_marks import SheetMarks


def decide_about_marks(
    found: FileStructure, marks: "SheetMarks", answers: Mapping[str, str]
) -> tuple[FileStructure, list[DetectedPart]]:
    """Return how to read a sheet with these marks, and the parts that say so, if there is something to decide.

    Unless `found` says otherwise, merged cells are repeated and hidden rows are imported.
    """
    merged = [cell for cell in marks.merged if cell.last >= found.header_line]
    hidden = sum(1 for line in marks.hidden if line > found.header_line)
    structure = replace(found, merged_cells=None, hidden_rows=None)
    parts = []
    if merged:
        # Names of columns that are merged over two rows of the header change no value.
        is_certain = names.MERGED_CELLS in answers or all(cell.first <= found.header_line for cell in merged)
        structure = replace(structure, merged_cells=found.merged_cells or MergedCells.REPEAT)
        parts.append(_make_part(names.MERGED_CELLS, structure.merged_cells, len(merged), is_certain=is_certain))
    if hidden:
        structure = replace(structure, hidden_rows=found.hidden_rows or HiddenRows.IMPORT)
        is_certain = names.HIDDEN_ROWS in answers
        parts.append(_make_part(names.HIDDEN_ROWS, structure.hidden_rows, hidden, is_certain=is_certain))
    return structure, [replace(part, reason=Why.CHOSEN) if part.name in answers else part for part in parts]


def _make_part(name: str, value: str | None, count: int, *, is_certain: bool) -> DetectedPart:
    why = Why.MERGED_CELLS if name == names.MERGED_CELLS else Why.HIDDEN_ROWS
    params = {"count": f"{count:,}", "plural": "" if count == 1 else "s", "are": "is" if count == 1 else "are"}
    return DetectedPart(name, value, Certainty.CERTAIN if is_certain else Certainty.ASSUMED, why, params)
