"""The types of columns: how each reads the texts of a whole column, and which texts are errors.

They are widgets of django-import-export, so that one declaration serves the export, which renders one value at a time,
and the import, which reads a whole column at once.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

import polars as pl
from django.db.models import Field
from django.db.models.expressions import Combinable
from import_export import widgets

from healthtrack.core.cleaning import SHORTENED_NUMBER, SHORTENED_REASON
from healthtrack.core.downloads.formula_escaping import ESCAPED_FORMULA, escape_formula
from healthtrack.imports.columns.notation import DOCUMENTED, Notation

# A condition that is true where a row has an error, and the sentence that says what is wrong and how to correct it.
ErrorRule = tuple[pl.Expr, str]
ModelField = Field[Any, Any]

# A date cell of a workbook, as the reader returns it.
DATE_CELL = r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$"
YES_WORDS = ("yes", "y", "true")
NO_WORDS = ("no", "n", "false")


class ColumnWidget(widgets.Widget):
    """A type of column. Its expressions work on the columns of one batch, in which null means "no value".

    `notations` lists how a column of this type may be written, if there is more than one way. `rare_notation` is
    one that only counts if values prove it, or if somebody says so.
    """

    notations: ClassVar[Sequence[Notation]] = ()
    rare_notation: ClassVar[Notation | None] = None

    @property
    def all_notations(self) -> list[Notation]:
        return [*self.notations, *([self.rare_notation] if self.rare_notation else [])]

    def read(self, text: pl.Expr, field: ModelField, notation: Notation = DOCUMENTED) -> pl.Expr:
        """Return the typed values of cleaned texts, null for a text that is none."""
        raise NotImplementedError

    def error_rules(self, text: pl.Expr, value: pl.Expr, field: ModelField, notation: Notation) -> Sequence[ErrorRule]:
        """Return the rules that a cell can break. Only the first that a cell breaks is reported."""
        raise NotImplementedError

    def describe_values(self, field: ModelField) -> str:
        """Return what a cell may hold, for the upload page."""
        raise NotImplementedError

    def render(self, value: object, obj: object = None, **kwargs: object) -> object:
        return value

    def prepare(self) -> None:
        """Read from the database what `read` needs. Call it before, because the connection may be busy with a COPY."""

    def get_export(self, attribute: str) -> str | Combinable:
        """Return what a query of the export selects for the column."""
        return attribute

    def get_form(self, text: pl.Expr) -> pl.Expr:
        """Return what two texts must share for one to say something about the notation of the other."""
        return pl.lit("")

    def has_other_form(self, text: pl.Expr, forms: str) -> pl.Expr | None:
        """Return whether texts have another form than these, so that their notation is not proved; None if none can."""
        return None

    def shows_notation(self, text: pl.Expr, notation: Notation) -> pl.Expr:
        """Return whether texts that are values in no notation, such as prices with cents, still show this one."""
        return pl.lit(value=False)

    def _read_alike(self, text: pl.Expr, field: ModelField) -> pl.Expr:
        """Return the values of the texts that all usual notations read alike."""
        first, *others = (self.read(text, field, notation) for notation in self.notations)
        return pl.when(pl.all_horizontal(first == other for other in others)).then(first)


def restore_formulas(text: pl.Expr) -> pl.Expr:
    """Return the texts without the mark by which an export protects those that look like formulas."""
    return pl.when(text.str.contains(ESCAPED_FORMULA)).then(text.str.slice(1)).otherwise(text)


class TextWidget(ColumnWidget):
    def read(self, text: pl.Expr, field: ModelField, notation: Notation = DOCUMENTED) -> pl.Expr:
        restored = restore_formulas(text)
        return restored if field.null else restored.fill_null("")

    def error_rules(self, text: pl.Expr, value: pl.Expr, field: ModelField, notation: Notation) -> Sequence[ErrorRule]:
        return [
            (
                value.str.len_chars() > field.max_length,
                f"Longer than {field.max_length} characters. Shorten it.",
            ),
            (text.str.contains(DATE_CELL), "This cell contains a date. Format it as text and enter the text again."),
        ]

    def describe_values(self, field: ModelField) -> str:
        return f"up to {field.max_length:,} characters"

    def render(self, value: object, obj: object = None, **kwargs: object) -> object:
        return escape_formula(str(value or ""))


class IdentifierWidget(TextWidget):
    """The text that identifies a row to people, such as a patient number."""

    def error_rules(self, text: pl.Expr, value: pl.Expr, field: ModelField, notation: Notation) -> Sequence[ErrorRule]:
        rules = super().error_rules(text, value, field, notation)
        return [*rules, (text.str.contains(SHORTENED_NUMBER), f"{SHORTENED_REASON} Enter all of its digits as text.")]


class KeyWidget(IdentifierWidget):
    """A foreign key to the numbers that people know, such as those of patients. The resource checks that they exist."""

    def error_rules(self, text: pl.Expr, value: pl.Expr, field: ModelField, notation: Notation) -> Sequence[ErrorRule]:
        return super().error_rules(text, value, field.target_field, notation)  # type: ignore[attr-defined]  # a foreign key

    def describe_values(self, field: ModelField) -> str:
        return super().describe_values(field.target_field)  # type: ignore[attr-defined]  # a foreign key


class ChoiceWidget(ColumnWidget):
    """One of the field's choices or its label, in any letter case.

    `usual` has what words of other languages usually mean. `unsure` has words that may mean another choice in a column
    with one of these words.
    """

    def __init__(
        self, usual: Mapping[str, str] | None = None, unsure: Mapping[str, Collection[str]] | None = None
    ) -> None:
        super().__init__()
        self.usual = usual or {}
        self.unsure = unsure or {}

    def read(self, text: pl.Expr, field: ModelField, notation: Notation = DOCUMENTED) -> pl.Expr:
        return text.str.to_lowercase().replace_strict(list_choice_words(field), default=None, return_dtype=pl.String)

    def error_rules(self, text: pl.Expr, value: pl.Expr, field: ModelField, notation: Notation) -> Sequence[ErrorRule]:
        return [(value.is_null() & text.is_not_null(), f"Must be {self.describe_values(field)}.")]

    def describe_values(self, field: ModelField) -> str:
        *others, last = (f"{value} ({str(label).lower()})" for value, label in field.flatchoices)
        return f"{', '.join(others)} or {last}"


def list_choice_words(field: ModelField) -> dict[str, str]:
    """Return the choices of a field by their values and labels, in lower case."""
    return {str(name).lower(): str(value) for value, label in field.flatchoices for name in (label, value)}


class YesNoWidget(ColumnWidget):
    def read(self, text: pl.Expr, field: ModelField, notation: Notation = DOCUMENTED) -> pl.Expr:
        answers = {**dict.fromkeys(YES_WORDS, True), **dict.fromkeys(NO_WORDS, False)}
        return text.str.to_lowercase().replace_strict(answers, default=None, return_dtype=pl.Boolean)

    def error_rules(self, text: pl.Expr, value: pl.Expr, field: ModelField, notation: Notation) -> Sequence[ErrorRule]:
        return [(value.is_null() & text.is_not_null(), "Must be Yes or No.")]

    def describe_values(self, field: ModelField) -> str:
        return "Yes or No"

    def render(self, value: object, obj: object = None, **kwargs: object) -> object:
        return "Yes" if value else "No"
