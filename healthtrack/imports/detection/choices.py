"""The choices of the parts of a reading plan, in words."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from healthtrack.imports.columns.date_cells import DateCells
from healthtrack.imports.columns.notation import DateOrder, DecimalMark
from healthtrack.imports.columns.plan import Column, DuplicateRows
from healthtrack.imports.columns.text_marks import Apostrophe
from healthtrack.imports.columns.words import Meaning, list_meanings
from healthtrack.imports.detection import names
from healthtrack.imports.detection.structure import MAX_HEADER_ROWS
from healthtrack.imports.reading.encodings import ENCODINGS
from healthtrack.imports.reading.table import HiddenRows, MergedCells
from healthtrack.imports.reading_plans import DetectedPart
from healthtrack.imports.row_errors import show_value

_EXAMPLE_DAY = date(1980, 5, 17)
_DELIMITERS = {
    ",": "Comma",
    ";": "Semicolon",
    "\t": "Tab",
    "|": "Vertical bar",
    "^": "Caret",
    "~": "Tilde",
    ":": "Colon",
}
AS_DETECTED = "As the file shows it"
DUPLICATE_ROWS = {
    str(DuplicateRows.MEAN): "Average their numbers",
    str(DuplicateRows.FIRST): "Keep the first row",
    str(DuplicateRows.LAST): "Keep the last row",
    str(DuplicateRows.ERROR): "Report an error if they differ",
}
MARKS = {
    names.MERGED_CELLS: {
        str(MergedCells.REPEAT): "Repeat in each row",
        str(MergedCells.EMPTY): "Only in the first row",
    },
    names.MERGED_COLUMNS: {
        str(MergedCells.EMPTY): "Only in the first column",
        str(MergedCells.REPEAT): "Repeat in each column",
    },
    names.HIDDEN_ROWS: {str(HiddenRows.IMPORT): "Import them", str(HiddenRows.LEAVE_OUT): "Leave them out"},
}
APOSTROPHES = {
    str(Apostrophe.MARK): "Remove it",
    str(Apostrophe.TEXT): "Import it",
}
DATE_CELLS = {
    str(DateCells.AS_SHOWN): "As the cells show them",
    str(DateCells.EXCHANGED): "With day and month exchanged",
}
DATE_ORDERS = {
    str(DateOrder.MONTH_FIRST): f"Month first, such as {_EXAMPLE_DAY:%m/%d/%Y}",
    str(DateOrder.DAY_FIRST): f"Day first, such as {_EXAMPLE_DAY:%d/%m/%Y}",
    str(DateOrder.YEAR_DAY_MONTH): f"Year, day, month, such as {_EXAMPLE_DAY:%Y-%d-%m}",
}
MEANINGS = {
    str(Meaning.YES): "Yes",
    str(Meaning.NO): "No",
    str(Meaning.NONE): "No value",
    str(Meaning.AS_IT_IS): "What it says",
}
DECIMAL_MARKS = {
    str(DecimalMark.POINT): "Decimal point, such as 1,299.50",
    str(DecimalMark.COMMA): "Decimal comma, such as 1.299,50",
}


def describe_meanings(field: str, columns: Sequence[Column]) -> Mapping[str, str]:
    """Return the words of what a word of this field can mean, by value."""
    column = next((column for column in columns if column.name == field), None)
    if column is None:
        return {}
    as_it_is = "Import it as a text" if column.is_text else "Report an error"
    labels = {str(value): str(label) for value, label in getattr(column.field, "flatchoices", ())}
    return {meaning: {**labels, **MEANINGS, Meaning.AS_IT_IS: as_it_is}[meaning] for meaning in list_meanings(column)}


def get_choices(part: DetectedPart, columns: Sequence[Column]) -> Mapping[str, str]:
    """Return the words of each choice by its value; nothing if there is nothing to choose."""
    if names.get_position(part.name) is not None:
        return {names.NOT_IMPORTED: "Do not import"} | {column.name: column.header for column in columns}
    if named := names.get_word(part.name):
        return describe_meanings(named[0], columns)
    if names.get_marked_field(part.name):
        return APOSTROPHES
    if names.get_noted_field(part.name) or names.get_field_of_cells(part.name):
        return get_notation_choices(part.name)
    if part.name in names.STRUCTURE:
        choices = get_structure_choices(part.name, part.value, part.params.get("sheets", ()))
        return add_examples(choices, part.params.get("examples", {}))
    others: Mapping[str, Mapping[str, str]] = {
        names.PROFILE: {name: name for name in part.params.get("profiles", ())} | {names.NO_PROFILE: "None of them"},
        names.DUPLICATE_ROWS: DUPLICATE_ROWS,
        **MARKS,
    }
    return others.get(part.name, {})


def get_notation_choices(name: str) -> Mapping[str, str]:
    """Return the words of each choice for a part about the dates or numbers of a field, by its value."""
    if names.get_field_of_cells(name):
        return DATE_CELLS
    return DATE_ORDERS if names.get_dated_field(name) else DECIMAL_MARKS


def add_examples(choices: Mapping[str, str], examples: Mapping[str, str]) -> Mapping[str, str]:
    """Return the choices of an encoding, each with what a word of the file is in it."""
    return {
        value: f"{words}: {show_value(examples[value])}" if value in examples else words
        for value, words in choices.items()
    }


def get_structure_choices(name: str, value: Any, sheets: Sequence[str] = ()) -> Mapping[str, str]:
    """Return the words of each choice for a part that says where the table is, by its value."""
    rows = sorted({*range(1, MAX_HEADER_ROWS + 1), int(value or 1)}) if name == names.HEADER_ROW else []
    structure: Mapping[str, Mapping[str, str]] = {
        names.ENCODING: {value: value, **ENCODINGS},
        names.DELIMITER: {value: value, **_DELIMITERS},
        names.SHEET: {sheet: sheet for sheet in sheets or [value]},
        names.HEADER_ROW: {str(row): f"Row {row}" for row in rows},
    }
    return structure[name]
