"""How to read a file, as the parts of its plan say it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from healthtrack.imports.columns.notation import DateOrder, DecimalMark, Notation
from healthtrack.imports.columns.text_marks import Apostrophe
from healthtrack.imports.columns.words import UNDECIDED
from healthtrack.imports.detection import names
from healthtrack.imports.reading.table import UNKNOWN_STRUCTURE, FileStructure, HiddenRows, MergedCells
from healthtrack.imports.reading_plans import ReadingPlan

PROVED_FORMS = "forms"  # the parameter of parts with the forms of values whose notation is proved
WHOLE_FILE = "whole_file"  # the part that says that all rows were looked at, not only the first


@dataclass(frozen=True)
class FileReading:
    """The structure of a file, the field of each column by its position, and the notation of fields that have several.

    `words` has what words mean, and `proved_forms` the forms of values whose notation is proved, by field.

    `marked_fields` are those before whose values an apostrophe does not belong to them. `date_cells` has what the date
    cells of fields mean where they may be exchanged; None if the question is open.

    `is_final` says that values which contradict the notation are errors, because the whole file has been looked at.
    """

    structure: FileStructure = UNKNOWN_STRUCTURE
    fields: Mapping[int, str] = field(default_factory=dict)
    notations: Mapping[str, Notation] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    is_final: bool = False
    proved_forms: Mapping[str, str] = field(default_factory=dict)
    marked_fields: frozenset[str] = frozenset()
    date_cells: Mapping[str, str | None] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: ReadingPlan) -> "FileReading":
        """Return what the plan says. An older plan may say nothing."""
        values = {part.name: part.value for part in plan.parts}
        forms = {names.get_noted_field(part.name): part.params.get(PROVED_FORMS) for part in plan.parts}
        proved = {field: forms for field, forms in forms.items() if field and forms is not None}
        return cls(
            get_structure(values),
            get_fields(values),
            get_notations(values),
            get_words(values),
            WHOLE_FILE in values,
            proved,
            frozenset(names.get_marked_field(name) for name, value in values.items() if value == Apostrophe.MARK),
            {field: value for name, value in values.items() if (field := names.get_field_of_cells(name))},
        )


def get_structure(values: Mapping[str, Any]) -> FileStructure:
    """Return the structure in the values of parts, or in answers, which are texts."""
    line = str(values.get(names.HEADER_ROW) or 0)
    return FileStructure(
        encoding=values.get(names.ENCODING) or "",
        delimiter=values.get(names.DELIMITER) or "",
        sheet=values.get(names.SHEET) or "",
        header_line=int(line) if line.isdecimal() else 0,
        merged_cells=next((each for each in MergedCells if each == values.get(names.MERGED_CELLS)), None),
        merged_columns=next((each for each in MergedCells if each == values.get(names.MERGED_COLUMNS)), None),
        hidden_rows=next((each for each in HiddenRows if each == values.get(names.HIDDEN_ROWS)), None),
    )


def get_fields(values: Mapping[str, Any]) -> dict[int, str]:
    """Return which field each column of the file belongs to, by its position."""
    return {
        place: str(value)
        for name, value in values.items()
        if (place := names.get_position(name)) is not None and value != names.NOT_IMPORTED
    }


def get_notations(values: Mapping[str, Any]) -> dict[str, Notation]:
    """Return the notation of each field that has several."""
    notations = {names.get_dated_field(name): Notation(_order(value)) for name, value in values.items()}
    notations |= {names.get_numeric_field(name): Notation(None, _mark(value)) for name, value in values.items()}
    notations.pop("", None)
    return notations


def get_words(values: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return what the words of each field mean."""
    found: dict[str, dict[str, str]] = {}
    for name, value in values.items():
        if named := names.get_word(name):
            found.setdefault(named[0], {})[named[1]] = str(value or UNDECIDED)
    return found


def _order(value: Any) -> DateOrder | None:
    return DateOrder(value) if value in set(DateOrder) else None


def _mark(value: Any) -> DecimalMark | None:
    return DecimalMark(value) if value in set(DecimalMark) else None
