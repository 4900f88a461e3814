"""The names of the parts of a reading plan, for people to read."""

from collections.abc import Sequence

from healthtrack.imports.columns.plan import Column
from healthtrack.imports.detection import names
from healthtrack.imports.detection.choices import get_choices
from healthtrack.imports.detection.reasons import describe_reason
from healthtrack.imports.reading_plans import DetectedPart

STRUCTURE = {
    names.ENCODING: "Encoding",
    names.DELIMITER: "Delimiter",
    names.SHEET: "Sheet",
    names.PROFILE: "Profile",
    names.HEADER_ROW: "Header",
    names.DUPLICATE_ROWS: "Duplicate rows",
    names.MERGED_CELLS: "Merged cells",
    names.MERGED_COLUMNS: "Cells merged over columns",
    names.HIDDEN_ROWS: "Hidden rows",
}


def get_label(part: DetectedPart) -> str:
    """Return what a part of the plan is called."""
    header = part.params.get("header", "")
    if names.get_position(part.name) is not None:
        return f"Field of the column {header}"
    if names.get_dated_field(part.name):
        return f"Order of the dates in {header}"
    if names.get_marked_field(part.name):
        return f"Apostrophe before values in {header}"
    if names.get_field_of_cells(part.name):
        return f"Date cells in {header}"
    if named := names.get_word(part.name):
        return f"“{named[1]}” in {header}"
    return STRUCTURE.get(part.name) or f"Decimal mark in {header}"


def describe_part(part: DetectedPart, columns: Sequence[Column]) -> str:
    """Return the value of a part and why it has it, in sentences."""
    value = get_choices(part, columns).get(str(part.value), str(part.value))
    return f"{get_label(part)}: {value}. {describe_reason(part.reason, part.params)}"
