"""The parts of a plan that say what becomes of merged cells and hidden rows of a sheet."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from healthtrack.imports.detection import names
from healthtrack.imports.detection.reasons import Why
from healthtrack.imports.reading.table import FileStructure, HiddenRows, MergedCells
from healthtrack.imports.reading_plans import Certainty, DetectedPart

if TYPE_CHECKING:  # only workbooks need it
    from healthtrack.imports.reading.sheet_marks import SheetMarks

_REASONS = {
    names.MERGED_CELLS: Why.MERGED_CELLS,
    names.MERGED_COLUMNS: Why.MERGED_COLUMNS,
    names.HIDDEN_ROWS: Why.HIDDEN_ROWS,
}


def decide_about_marks(
    found: FileStructure, marks: "SheetMarks", answers: Mapping[str, str]
) -> tuple[FileStructure, list[DetectedPart]]:
    """Return how to read a sheet with these marks, and the parts that say so, if there is something to decide.

    Unless `found` says otherwise, cells merged over rows are repeated, those merged over columns belong to the first
    one, and hidden rows are imported.
    """
    line = found.header_line
    merged = [cell for cell in marks.merged if cell.first < cell.last and cell.last >= line]
    named = {(cell.column, cell.last_column) for cell in marks.merged if cell.first <= line <= cell.last}
    # Where names are merged over the same columns, this is only the layout of the sheet.
    wide = [
        cell
        for cell in marks.merged
        if cell.column < cell.last_column and cell.first > line and (cell.column, cell.last_column) not in named
    ]
    hidden = sum(1 for each in marks.hidden if each > line)
    structure = replace(
        found,
        merged_cells=(found.merged_cells or MergedCells.REPEAT) if merged else None,
        merged_columns=(found.merged_columns or MergedCells.EMPTY) if wide else None,
        hidden_rows=(found.hidden_rows or HiddenRows.IMPORT) if hidden else None,
    )
    decided = (
        # Names of columns that are merged over two rows of the header change no value.
        (names.MERGED_CELLS, structure.merged_cells, len(merged), all(cell.first <= line for cell in merged)),
        (names.MERGED_COLUMNS, structure.merged_columns, len(wide), False),
        (names.HIDDEN_ROWS, structure.hidden_rows, hidden, False),
    )
    return structure, [
        _make_part(name, value, count, answers, is_certain=is_certain)
        for name, value, count, is_certain in decided
        if value
    ]


def find_shared_names(
    marks: "SheetMarks", line: int, rows: Iterable[tuple[int, Sequence[str | None]]]
) -> Collection[int]:
    """Return the positions of the columns in a sheet whose name in the header is also that of others with content."""
    wide = [cell for cell in marks.merged if cell.column < cell.last_column and cell.first <= line <= cell.last]
    below = [row for number, row in rows if number > line] if wide else []
    return {cell.column for cell in wide if any(any(row[cell.column + 1 : cell.last_column + 1]) for row in below)}


def _make_part(name: str, value: str, count: int, answers: Mapping[str, str], *, is_certain: bool) -> DetectedPart:
    params = {"count": f"{count:,}", "plural": "" if count == 1 else "s", "are": "is" if count == 1 else "are"}
    if name in answers:
        return DetectedPart(name, value, reason=Why.CHOSEN, params=params)
    return DetectedPart(name, value, Certainty.CERTAIN if is_certain else Certainty.ASSUMED, _REASONS[name], params)
