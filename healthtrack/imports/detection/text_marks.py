"""The parts of a plan that say whether the apostrophe before the values of a column belongs to them."""

from collections.abc import Mapping, Sequence

import polars as pl

from healthtrack.imports.columns.checking import text_name
from healthtrack.imports.columns.plan import Column
from healthtrack.imports.columns.text_marks import Apostrophe, is_marked, is_marked_number
from healthtrack.imports.columns.widgets import IdentifierWidget, TextWidget
from healthtrack.imports.detection import names
from healthtrack.imports.detection.column_parts import ColumnParts
from healthtrack.imports.detection.memory import Remembered
from healthtrack.imports.detection.reasons import Why, count_values
from healthtrack.imports.reading_plans import Certainty, DetectedPart
from healthtrack.imports.row_errors import show_value

_MIN_TEXTS = 3  # fewer may be names that begin with an apostrophe; numbers do not


class TextMarkCounter:
    """Counts the values of text columns, and those that begin with an apostrophe."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = [column for column in columns if isinstance(column.widget, TextWidget)]
        self._counts = {column.name: [0, 0, 0] for column in self.columns}

    def add(self, cleaned: pl.DataFrame) -> None:
        """Count the values of a batch with cleaned texts."""
        for column in self.columns:
            texts = cleaned.lazy().select(pl.col(text_name(column)).alias("text"))
            if not cleaned[text_name(column)].str.starts_with("'").any():
                self._counts[column.name][0] += len(cleaned) - cleaned[text_name(column)].null_count()
                continue
            text = pl.col("text")
            counted = texts.select(
                text.count().alias("all"),
                is_marked(text).sum().alias("marked"),
                is_marked_number(text).sum().alias("numbers"),
            )
            for place, count in enumerate(counted.collect().row(0)):
                self._counts[column.name][place] += count

    def _is_certain(self, column: Column) -> bool:
        values, marked, numbers = self._counts[column.name]
        return 2 * marked > values and (marked >= _MIN_TEXTS or numbers == marked)

    def count_marked(self, column: Column) -> int:
        """Return how many values have the mark; 0 if the apostrophe seems to belong to them.

        Numbers that identify rows never begin with one, so one of them is enough. A program that marks the texts of one
        column marks those of others as well, however few they are.
        """
        values, marked, numbers = self._counts[column.name]
        is_common = 2 * marked > values and any(map(self._is_certain, self.columns))
        return marked if is_common or (column.is_key and isinstance(column.widget, IdentifierWidget) and numbers) else 0


def make_text_mark_parts(
    counter: TextMarkCounter, found: ColumnParts, answers: Mapping[str, str], remembered: Remembered
) -> list[DetectedPart]:
    """Return a part for each column whose values seem to have the mark, or about which somebody said something."""
    positions = {name: position for position, name in found.likely_fields.items()}
    parts = []
    for column in counter.columns:
        name, marked = names.text_mark(column.name), counter.count_marked(column)
        header = show_value(found.headers[positions[column.name]].strip())
        params = {"header": header, "count": count_values(marked), "s": "s" if marked == 1 else ""}
        if not marked:
            continue
        if answers.get(name) in set(Apostrophe):
            parts.append(DetectedPart(name, answers[name], reason=Why.CHOSEN, params=params))
        elif remembered.answers.get(name) in set(Apostrophe):
            parts.append(remembered.make_part(name, remembered.answers[name], params))
        else:
            parts.append(DetectedPart(name, str(Apostrophe.MARK), Certainty.ASSUMED, Why.TEXT_MARK, params))
    return parts
