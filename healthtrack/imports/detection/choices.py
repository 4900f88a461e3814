"""The choices of the parts of a reading plan, in words."""

from collections.abc import Mapping, Sequence
from datetime import date

from healthtrack.imports.detection import names
from healthtrack.imports.detection.structure import MAX_HEADER_ROWS
from healthtrack.imports.notation import DateOrder, DecimalMark
from healthtrack.imports.plan import Column, DuplicateRows
from healthtrack.imports.reading.encodings import ENCODINGS
from healthtrack.imports.reading_plans import DetectedPart

_EXAMPLE_DAY = date(1980, 5, 17)
_DELIMITERS = {",": "Comma", ";": "Semicolon", "\t": "Tab", "|": "Vertical bar"}
AS_DETECTED = "As the file shows it"
_DUPLICATE_ROWS = {
    str(DuplicateRows.MEAN): "Average their numbers",
    str(DuplicateRows.FIRST): "Keep the first row",
    str(DuplicateRows.LAST): "Keep the last row",
    str(DuplicateRows.ERROR): "Report an error if they differ",
}
DATE_ORDERS = {
    str(DateOrder.MONTH_FIRST): f"Month first, such as {_EXAMPLE_DAY:%m/%d/%Y}",
    str(DateOrder.DAY_FIRST): f"Day first, such as {_EXAMPLE_DAY:%d/%m/%Y}",
}
DECIMAL_MARKS = {
    str(DecimalMark.POINT): "Decimal point, such as 1,299.50",
    str(DecimalMark.COMMA): "Decimal comma, such as 1.299,50",
}


def get_choices(part: DetectedPart, columns: Sequence[Column]) -> Mapping[str, str]:
    """Return the words of each choice by its value; nothing if there is nothing to choose."""
    if names.get_position(part.name) is not None:
        return {names.NOT_IMPORTED: "Do not import"} | {column.name: column.header for column in columns}
    if names.get_noted_field(part.name):
        return DATE_ORDERS if names.get_dated_field(part.name) else DECIMAL_MARKS
    rows = sorted({*range(1, MAX_HEADER_ROWS + 1), int(part.value or 1)}) if part.name == names.HEADER_ROW else []
    structure: Mapping[str, Mapping[str, str]] = {
        names.ENCODING: {part.value: part.value, **ENCODINGS},
        names.DELIMITER: {part.value: part.value, **_DELIMITERS},
        names.SHEET: {sheet: sheet for sheet in part.params.get("sheets", [part.value])},
        names.PROFILE: {name: name for name in part.params.get("profiles", ())} | {names.NO_PROFILE: "None of them"},
        names.DUPLICATE_ROWS: _DUPLICATE_ROWS,
        names.HEADER_ROW: {str(row): f"Row {row}" for row in rows},
    }
    return structure.get(part.name, {})
