"""The parts of a plan that say whether a spreadsheet has exchanged day and month in the date cells of a column.

A spreadsheet that expects another order of dates makes cells of the texts whose day could be a month, and leaves the
others as they are. So all cells have days up to 12, and all texts have later ones.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from healthtrack.imports.columns.checking import text_name
from healthtrack.imports.columns.date_cells import DateCells
from healthtrack.imports.columns.dates import DateWidget
from healthtrack.imports.columns.plan import Column
from healthtrack.imports.columns.widgets import DATE_CELL
from healthtrack.imports.detection import names
from healthtrack.imports.detection.column_parts import ColumnParts
from healthtrack.imports.detection.memory import Remembered
from healthtrack.imports.detection.reasons import Why, count_values
from healthtrack.imports.reading_plans import Certainty, DetectedPart, Question
from healthtrack.imports.row_errors import show_value

_MIN_VALUES = 3  # fewer may have such days by chance
_LATE_CELL = r"^[0-9]{4}-[0-9]{2}-(?:1[3-9]|[23][0-9]) "
_EARLY_TEXT = r"^(?:0?[1-9]|1[0-2])[/.\-](?:0?[1-9]|1[0-2])[/.\-][0-9]{4}"
_TEXT = r"^[0-9]{1,2}[/.\-][0-9]{1,2}[/.\-][0-9]{4}"


class DateCellCounter:
    """Counts the date cells of columns of dates, and the dates that are texts."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = [column for column in columns if isinstance(column.widget, DateWidget)]
        self._counts = {column.name: [0, 0, 0, 0] for column in self.columns}
        self.examples: dict[str, str] = {}

    def add(self, cleaned: pl.DataFrame) -> None:
        """Count the values of a batch with cleaned texts."""
        for column in self.columns:
            text = pl.col(text_name(column))
            shapes = (DATE_CELL, _LATE_CELL, _TEXT, _EARLY_TEXT)
            counted = cleaned.select(text.str.contains(shape).sum().alias(shape) for shape in shapes).row(0)
            for place, count in enumerate(counted):
                self._counts[column.name][place] += count
            if counted[2] and column.name not in self.examples:
                self.examples[column.name] = cleaned.select(text.filter(text.str.contains(_TEXT)).first()).item()

    def count_suspicious(self, column: Column) -> tuple[int, int]:
        """Return how many cells and texts there are if they look as if cells were exchanged; otherwise zeros."""
        cells, late, texts, early = self._counts[column.name]
        is_suspicious = cells and texts and cells + texts >= _MIN_VALUES and not (late or early)
        return (cells, texts) if is_suspicious else (0, 0)


def make_date_cell_parts(
    counter: DateCellCounter, found: ColumnParts, answers: Mapping[str, str], remembered: Remembered
) -> tuple[list[DetectedPart], list[Question]]:
    """Return a part for each column whose cells look exchanged, or about which somebody said so, and its question."""
    positions = {name: position for position, name in found.likely_fields.items()}
    parts: list[DetectedPart] = []
    for column in counter.columns:
        name, (cells, texts) = names.date_cells(column.name), counter.count_suspicious(column)
        params = {"header": show_value(found.headers[positions[column.name]].strip())}
        answer, earlier = answers.get(name) or answers.get(names.ALL_DATE_CELLS), remembered.answers.get(name, "")
        if cells:
            example = counter.examples[column.name]
            params |= {"count": count_values(cells), "other_count": f"{texts:,}", "example": example}
        if answer in set(DateCells) and (cells or name in answers):
            parts.append(DetectedPart(name, answer, reason=Why.CHOSEN, params=params))
        elif earlier in set(DateCells) and (cells or remembered.corrected_run is not None):
            parts.append(remembered.make_part(name, earlier, params))
        elif cells:
            parts.append(DetectedPart(name, None, Certainty.UNKNOWN, Why.EARLY_CELLS, params))
    open_parts = [part for part in parts if part.certainty is Certainty.UNKNOWN]
    return parts, [Question(part.name, [*DateCells], "", part.params) for part in open_parts]
