"""The types of columns: how each reads the texts of a whole column, and which texts are errors.

They are widgets of django-import-export, so that one declaration serves the export, which renders one value at a time,
and the import, which reads a whole column at once.
"""

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

import polars as pl
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Field
from django.db.models.expressions import Combinable
from import_export import widgets

from healthtrack.core.cleaning import SHORTENED_NUMBER, SHORTENED_REASON
from healthtrack.core.formula_escaping import ESCAPED_FORMULA, escape_formula
from healthtrack.imports.notation import DOCUMENTED, DateOrder, DecimalMark, Notation

# A condition that is true where a row has an error, and the sentence that says what is wrong and how to correct it.
ErrorRule = tuple[pl.Expr, str]
ModelField = Field[Any, Any]

# The end of a date at midnight, and of a date with any time of day.
_MIDNIGHT = r"(?i)[ T](0?0:00(:00(\.0+)?)?|12:00(:00(\.0+)?)? ?AM)( ?(Z|[+\-]00:?00))?$"
_TIME = r"[0-9][ T,]+[0-9]{1,2}:[0-9]{2}"
_YEAR_FIRST = r"^[0-9]{4}(-[0-9]{1,2}-|/[0-9]{1,2}/|\.[0-9]{1,2}\.)[0-9]{1,2}$"
_TWO_DIGIT_YEAR = r"^[0-9]{1,2}[/.\-][0-9]{1,2}[/.\-][0-9]{2}$"
# By order: the separators that it is written with, and the format once they are hyphens. Points are day first.
_ORDERS = {
    DateOrder.MONTH_FIRST: (r"^[0-9]{1,2}(-[0-9]{1,2}-|/[0-9]{1,2}/)[0-9]{4}$", "%m-%d-%Y"),
    DateOrder.DAY_FIRST: (r"^[0-9]{1,2}(-[0-9]{1,2}-|/[0-9]{1,2}/|\.[0-9]{1,2}\.)[0-9]{4}$", "%d-%m-%Y"),
}
_EXAMPLES = {
    DateOrder.MONTH_FIRST: "Use MM/DD/YYYY or YYYY-MM-DD.",
    DateOrder.DAY_FIRST: "Use DD/MM/YYYY or YYYY-MM-DD, because the dates of this column are day first.",
    None: "Use MM/DD/YYYY or YYYY-MM-DD.",
}
# Spreadsheets take 1900 for a leap year, so that earlier dates are a day off.
_FIRST_SPREADSHEET_DAY = date(1900, 3, 1)
_DATE_CELL = r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$"
YES_WORDS = ("yes", "y", "true")
NO_WORDS = ("no", "n", "false")
_GROUPED_BY_SPACES = "[1-9][0-9]{0,2}(?:[ '\u2019][0-9]{3})+"


class ColumnWidget(widgets.Widget):
    """A type of column. Its expressions work on the columns of one batch, in which null means "no value".

    `notations` lists how a column of this type may be written, if there is more than one way.
    """

    notations: ClassVar[Sequence[Notation]] = ()

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

    def _read_alike(self, text: pl.Expr, field: ModelField) -> pl.Expr:
        """Return the values of the texts that all notations read alike."""
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
            (text.str.contains(_DATE_CELL), "This cell contains a date. Format it as text and enter the text again."),
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


class WholeNumberWidget(ColumnWidget):
    """A whole number. Three digits after a mark are thousands, because a whole number has no decimals."""

    notations = tuple(Notation(decimal_mark=mark) for mark in DecimalMark)

    def read(self, text: pl.Expr, field: ModelField, notation: Notation = DOCUMENTED) -> pl.Expr:
        if notation.decimal_mark is None:
            return self._read_alike(text, field)
        mark = re.escape(notation.decimal_mark.sign)
        digits = text.str.replace_all(rf"[{re.escape(notation.decimal_mark.thousands_sign)} '\u2019]", "")
        pattern = _whole_number_pattern(notation.decimal_mark)
        return (
            pl.when(text.str.contains(pattern)).then(digits.str.replace(f"{mark}0+$", "")).cast(pl.Int64, strict=False)
        )

    def error_rules(self, text: pl.Expr, value: pl.Expr, field: ModelField, notation: Notation) -> Sequence[ErrorRule]:
        pattern = _whole_number_pattern(notation.decimal_mark or DecimalMark.POINT)
        return [
            (value.is_null() & text.str.contains(pattern), "Has too many digits. Correct it."),
            (value.is_null() & text.is_not_null(), "Not a whole number. Use digits only, such as 2499."),
            *_range_rules(value, field),
        ]

    def describe_values(self, field: ModelField) -> str:
        return f"a whole number {_describe_range(field)}, with or without commas between the thousands"


class DecimalWidget(ColumnWidget):
    """A decimal number, which stays text until PostgreSQL reads it, so that no binary fraction comes in between."""

    notations = WholeNumberWidget.notations

    def read(self, text: pl.Expr, field: ModelField, notation: Notation = DOCUMENTED) -> pl.Expr:
        if notation.decimal_mark is None:
            return self._read_alike(text, field)
        mark, thousands = notation.decimal_mark.sign, notation.decimal_mark.thousands_sign
        plain = text.str.replace_all(rf"[{re.escape(thousands)} '\u2019]", "").str.replace(mark, ".", literal=True)
        return pl.when(text.str.contains(_decimal_pattern(notation.decimal_mark))).then(plain)

    def error_rules(self, text: pl.Expr, value: pl.Expr, field: ModelField, notation: Notation) -> Sequence[ErrorRule]:
        places: int = field.decimal_places  # type: ignore[attr-defined]  # a field of decimals
        mark = "comma, such as 4,1" if notation.decimal_mark is DecimalMark.COMMA else "point, such as 4.1"
        return [
            (value.is_null() & text.is_not_null(), f"Not a number. Use digits and a decimal {mark}."),
            *_range_rules(value.cast(pl.Float64), field),
            (value.str.contains(rf"\.\d{{{places}}}0*[1-9]"), f"Has more than {_decimal_places(places)}. Round it."),
        ]

    def describe_values(self, field: ModelField) -> str:
        places: int = field.decimal_places  # type: ignore[attr-defined]  # a field of decimals
        return f"a number {_describe_range(field)}, with at most {_decimal_places(places)}"


class DateWidget(ColumnWidget):
    notations = tuple(Notation(date_order=order) for order in DateOrder)

    def read(self, text: pl.Expr, field: ModelField, notation: Notation = DOCUMENTED) -> pl.Expr:
        if notation.date_order is None:
            return self._read_alike(text, field)
        day = text.str.replace(_MIDNIGHT, "")
        shape, form = _ORDERS[notation.date_order]
        return pl.coalesce(
            pl.when(day.str.contains(shape)).then(day.str.replace_all("[/.]", "-")).str.to_date(form, strict=False)
            for shape, form in ((_YEAR_FIRST, "%Y-%m-%d"), (shape, form))
        )

    def error_rules(self, text: pl.Expr, value: pl.Expr, field: ModelField, notation: Notation) -> Sequence[ErrorRule]:
        is_wrong = value.is_null() & text.is_not_null()
        return [
            (is_wrong & text.str.contains(_TIME), "This value contains a time of day. Remove the time."),
            (is_wrong & text.str.contains(_TWO_DIGIT_YEAR), "The year has two digits. Write all four."),
            (is_wrong, f"Not a valid date. {_EXAMPLES[notation.date_order]}"),
            (value.dt.year() < 1, "Date is before the year 1. Correct it."),
        ]

    def get_form(self, text: pl.Expr) -> pl.Expr:
        """Return the separator: dates with points are day first, which says nothing about dates with slashes."""
        return text.str.extract(r"^[0-9]+([/.\-])")

    def has_other_form(self, text: pl.Expr, forms: str) -> pl.Expr | None:
        others = "".join(separator for separator in "/.-" if separator not in forms)
        return text.str.contains(rf"^[0-9]{{1,2}}[{others}]") if others else None  # the hyphen is last or alone

    def describe_values(self, field: ModelField) -> str:
        return "a date as MM/DD/YYYY or YYYY-MM-DD, or an Excel date cell"

    def render(self, value: date | None, obj: object = None, **kwargs: object) -> object:  # type: ignore[override]  # untyped in the base class
        """Return a date, or text if it is too early for a spreadsheet, which counts days from 1900."""
        return value.isoformat() if value and value < _FIRST_SPREADSHEET_DAY else value


class ChoiceWidget(ColumnWidget):
    """One of the field's choices or its label, in any letter case."""

    def read(self, text: pl.Expr, field: ModelField, notation: Notation = DOCUMENTED) -> pl.Expr:
        choices = {str(name).lower(): str(value) for value, label in field.flatchoices for name in (label, value)}
        return text.str.to_lowercase().replace_strict(choices, default=None, return_dtype=pl.String)

    def error_rules(self, text: pl.Expr, value: pl.Expr, field: ModelField, notation: Notation) -> Sequence[ErrorRule]:
        return [(value.is_null() & text.is_not_null(), f"Must be {self.describe_values(field)}.")]

    def describe_values(self, field: ModelField) -> str:
        *others, last = (f"{value} ({str(label).lower()})" for value, label in field.flatchoices)
        return f"{', '.join(others)} or {last}"


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


def _grouped(mark: DecimalMark) -> str:
    """Return the pattern of digits in groups: 1,299 and 1,00,000, and 1 299 whatever the mark."""
    sign = re.escape(mark.thousands_sign)
    return f"(?:[1-9][0-9]{{0,2}}(?:{sign}[0-9]{{2,3}})*{sign}[0-9]{{3}}|{_GROUPED_BY_SPACES})"


def _whole_number_pattern(mark: DecimalMark) -> str:
    sign = re.escape(mark.sign)
    return f"^-?(?:[0-9]+(?:{sign}(?:0{{1,2}}|0{{4,}}))?|{_grouped(mark)}(?:{sign}0+)?)$"


def _decimal_pattern(mark: DecimalMark) -> str:
    return rf"^-?(?:[0-9]+|{_grouped(mark)})(?:{re.escape(mark.sign)}[0-9]+)?$"


def _decimal_places(places: int) -> str:
    return f"{places} decimal place{'' if places == 1 else 's'}"


def _range_rules(number: pl.Expr, field: ModelField) -> list[ErrorRule]:
    lowest, highest = _range(field)
    return [
        (number < lowest, f"Must be at least {lowest:,}."),
        (number > highest, f"Must be at most {highest:,}."),
    ]


def _range(field: ModelField) -> tuple[int, int]:
    return max(_limits(field, MinValueValidator)), min(_limits(field, MaxValueValidator))


def _describe_range(field: ModelField) -> str:
    lowest, highest = _range(field)
    return f"from {lowest:,} to {highest:,}"


def _limits(field: ModelField, kind: type[MinValueValidator | MaxValueValidator]) -> list[int]:
    found = [validator.limit_value for validator in field.validators if type(validator) is kind]
    return [int(limit) for limit in found if isinstance(limit, int | Decimal)]
