"""The first rows of a file, as they are and as they are understood, for people to compare."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

import polars as pl
from django.utils.formats import date_format

from healthtrack.imports.columns.checking import clean_batch, text_name
from healthtrack.imports.columns.date_cells import DateCells, exchange_days_and_months
from healthtrack.imports.columns.notation import DOCUMENTED
from healthtrack.imports.columns.plan import Column
from healthtrack.imports.columns.text_marks import remove_marks
from healthtrack.imports.columns.widgets import DATE_CELL, TextWidget
from healthtrack.imports.columns.words import translate
from healthtrack.imports.detection.reading import FileReading
from healthtrack.imports.reading import open_table
from healthtrack.imports.row_errors import FileError, show_value

SAMPLE_ROWS = 3
UNCLEAR = "not clear"


@dataclass(frozen=True)
class Sample:
    """The first rows of a file by the position of the column: the texts, and how they are understood.

    `keys` are the values that identify the rows.
    """

    headers: Sequence[str] = ()
    texts: Mapping[int, Sequence[str]] = field(default_factory=dict)
    understood: Mapping[int, Sequence[str]] = field(default_factory=dict)
    keys: Sequence[str] = ()

    def get_pairs(self, position: int) -> list[tuple[str, str]]:
        """Return the texts of a column, each with what it is understood as."""
        return list(zip_longest(self.texts.get(position, ()), self.understood.get(position, ()), fillvalue=""))


def read_sample(path: Path, columns: Sequence[Column], reading: FileReading) -> Sample:
    """Return the first rows of a file; nothing if it is gone or cannot be read."""
    try:
        with open_table(path, reading.structure, batch_rows=SAMPLE_ROWS) as table:
            table.min_cells = 0
            typed = {column.name for column in columns if not isinstance(column.widget, TextWidget)}
            others = (place for place in range(len(table.headers)) if reading.fields.get(place) not in typed)
            table.text_columns = frozenset(others)
            rows = next(iter(table.batches), pl.DataFrame()).head(SAMPLE_ROWS)
    except (FileError, FileNotFoundError):
        return Sample()
    texts = {
        place: [show_value(cell or "") for cell in rows[str(place)]]
        for place in range(len(table.headers))
        if str(place) in rows.columns
    }
    by_name = {column.name: column for column in columns}
    understood = {
        place: _understand(rows[str(place)], by_name[name], reading)
        for place, name in reading.fields.items()
        if name in by_name and str(place) in rows.columns
    }
    key = next((place for place, name in reading.fields.items() if name in by_name and by_name[name].is_key), None)
    return Sample(table.headers, texts, understood, understood.get(key, []) if key is not None else [])


def _understand(texts: pl.Series, column: Column, reading: FileReading) -> list[str]:
    batch = clean_batch(pl.DataFrame({column.name: texts}), [column])
    text, notation = pl.col(text_name(column)), reading.notations.get(column.name, DOCUMENTED)
    cells = reading.date_cells.get(column.name, DateCells.AS_SHOWN)
    shown = exchange_days_and_months(text) if cells == DateCells.EXCHANGED else text
    shown = remove_marks(shown) if column.name in reading.marked_fields else shown
    batch = batch.with_columns(translate(shown, reading.words.get(column.name, {})))
    column.widget.prepare()
    value = column.widget.read(text, column.field, notation)
    if cells is None:
        value = pl.when(~text.str.contains(DATE_CELL)).then(value)
    values = batch.select(text.alias("text"), value.alias("value"))
    return [_show(text, value, column) for text, value in values.iter_rows()]


def _show(text: str | None, value: object, column: Column) -> str:
    if value is None:
        return UNCLEAR if text else ""
    if column.is_reference:
        return text or ""
    if hasattr(value, "isoformat"):
        return date_format(value, "j F Y")  # type: ignore[arg-type]  # a date
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(column.widget.render(value))
