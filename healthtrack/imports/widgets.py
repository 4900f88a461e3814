"""The types of columns: how each reads the texts of a whole column, and which texts are errors.

They are widgets of django-import-export, so that one declaration serves the export, which renders one value at a time,
and the import, which reads a whole column at once.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Field
from import_export import widgets

from healthtrack.core.formula_escaping import ESCAPED_FORMULA, escape_formula

# A condition that is true where a row has an error, and the sentence that says what is wrong and how to correct it.
ErrorRule = tuple[pl.Expr, str]
ModelField = Field[Any, Any]

_MIDNIGHT = r"[ T]00:00:00(\.0+)?$"
_DATE_FORMATS = (("%Y-%m-%d", r"^\d{4}-\d{1,2}-\d{1,2}$"), ("%m/%d/%Y", r"^\d{1,2}/\d{1,2}/\d{4}$"))
# Spreadsheets take 1900 for a leap year, so that earlier dates are a day off.
_FIRST_SPREADSHEET_DAY = date(1900, 3, 1)
_WHOLE_NUMBER = r"^-?([0-9]+|[0-9]{1,3}(,[0-9]{2,3})*,[0-9]{3})(\.0+)?$"
_DECIMAL = r"^-?[0-9]+(\.[0-9]+)?$"


class ColumnWidget(widgets.Widget):
    """A type of column. Its expressions work on the columns of one batch, in which null means "no value"."""

    def read(self, text: pl.Expr, field: ModelField) -> pl.Expr:
        """Return the typed values of cleaned texts, null for a text that is none."""
        raise NotImplementedError

    def error_rules(self, text: pl.Expr, value: pl.Expr, field: ModelField) -> Sequence[ErrorRule]:
        """Return the rules that a cell can break. Only the first that a cell breaks is reported."""
        raise NotImplementedError

    def describe_values(self, field: ModelField) -> str:
        """Return what a cell may hold, for the upload page."""
        raise NotImplementedError

    def render(self, value: object, obj: object = None, **kwargs: object) -> object:
        return value


class TextWidget(ColumnWidget):
    def read(self, text: pl.Expr, field: ModelField) -> pl.Expr:
        restored = pl.when(text.str.contains(ESCAPED_FORMULA)).then(text.str.slice(1)).otherwise(text)
        return restored if field.null else restored.fill_null("")

    def error_rules(self, text: pl.Expr, value: pl.Expr, field: ModelField) -> Sequence[ErrorRule]:
        return [
            (
                value.str.len_chars() > field.max_length,
                f"Longer than {field.max_length} characters. Shorten it.",
            ),
        ]

    def describe_values(self, field: ModelField) -> str:
        return f"up to {field.max_length:,} characters"

    def render(self, value: object, obj: object = None, **kwargs: object) -> object:
        return escape_formula(str(value or ""))


class WholeNumberWidget(ColumnWidget):
    def read(self, text: pl.Expr, field: ModelField) -> pl.Expr:
        digits = text.str.replace_all(",", "", literal=True).str.replace(r"\.0+$", "")
        return pl.when(text.str.contains(_WHOLE_NUMBER)).then(digits).cast(pl.Int64, strict=False)

    def error_rules(self, text: pl.Expr, value: pl.Expr, field: ModelField) -> Sequence[ErrorRule]:
        return [
            (value.is_null() & text.str.contains(_WHOLE_NUMBER), "Has too many digits. Correct it."),
            (value.is_null() & text.is_not_null(), "Not a whole number. Use digits only, such as 2499."),
            *_range_rules(value, field),
        ]

    def describe_values(self, field: ModelField) -> str:
        return f"a whole number {_describe_range(field)}, with or without commas between the thousands"


class DecimalWidget(ColumnWidget):
    """A decimal number, which stays text until PostgreSQL reads it, so that no binary fraction comes in between."""

    def read(self, text: pl.Expr, field: ModelField) -> pl.Expr:
        return pl.when(text.str.contains(_DECIMAL)).then(text)

    def error_rules(self, text: pl.Expr, value: pl.Expr, field: ModelField) -> Sequence[ErrorRule]:
        places: int = field.decimal_places  # type: ignore[attr-defined]  # a field of decimals
        return [
            (value.is_null() & text.is_not_null(), "Not a number. Use digits and a decimal point, such as 4.1."),
            *_range_rules(value.cast(pl.Float64), field),
            (value.str.contains(rf"\.\d{{{places}}}0*[1-9]"), f"Has more than {_decimal_places(places)}. Round it."),
        ]

    def describe_values(self, field: ModelField) -> str:
        places: int = field.decimal_places  # type: ignore[attr-defined]  # a field of decimals
        return f"a number {_describe_range(field)}, with at most {_decimal_places(places)}"


class DateWidget(ColumnWidget):
    def read(self, text: pl.Expr, field: ModelField) -> pl.Expr:
        day = text.str.replace(_MIDNIGHT, "")
        return pl.coalesce(
            pl.when(day.str.contains(shape)).then(day).str.to_date(form, strict=False) for form, shape in _DATE_FORMATS
        )

    def error_rules(self, text: pl.Expr, value: pl.Expr, field: ModelField) -> Sequence[ErrorRule]:
        return [
            (
                value.is_null() & text.is_not_null(),
                "Not a valid date. Use MM/DD/YYYY or YYYY-MM-DD.",
            ),
            (value.dt.year() < 1, "Date is before the year 1. Correct it."),
        ]

    def describe_values(self, field: ModelField) -> str:
        return "a date as MM/DD/YYYY or YYYY-MM-DD, or an Excel date cell"

    def render(self, value: date | None, obj: object = None, **kwargs: object) -> object:  # type: ignore[override]  # untyped in the base class
        """Return a date, or text if it is too early for a spreadsheet, which counts days from 1900."""
        return value.isoformat() if value and value < _FIRST_SPREADSHEET_DAY else value


class ChoiceWidget(ColumnWidget):
    """One of the field's choices, in any letter case."""

    def read(self, text: pl.Expr, field: ModelField) -> pl.Expr:
        choices = {str(value).lower(): str(value) for value, _ in field.flatchoices}
        return text.str.to_lowercase().replace_strict(choices, default=None, return_dtype=pl.String)

    def error_rules(self, text: pl.Expr, value: pl.Expr, field: ModelField) -> Sequence[ErrorRule]:
        choices = " or ".join(str(choice) for choice, _ in field.flatchoices)
        return [(value.is_null() & text.is_not_null(), f"Must be {choices}.")]

    def describe_values(self, field: ModelField) -> str:
        return " or ".join(f"{value} ({str(label).lower()})" for value, label in field.flatchoices)


class YesNoWidget(ColumnWidget):
    def read(self, text: pl.Expr, field: ModelField) -> pl.Expr:
        answers = {"yes": True, "no": False, "true": True, "false": False}
        return text.str.to_lowercase().replace_strict(answers, default=None, return_dtype=pl.Boolean)

    def error_rules(self, text: pl.Expr, value: pl.Expr, field: ModelField) -> Sequence[ErrorRule]:
        return [(value.is_null() & text.is_not_null(), "Must be Yes or No.")]

    def describe_values(self, field: ModelField) -> str:
        return "Yes or No"

    def render(self, value: object, obj: object = None, **kwargs: object) -> object:
        return "Yes" if value else "No"


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
