"""The kinds of columns: how each reads the texts of a whole column, and what it finds wrong in them.

They are django-import-export's widgets, so that one declaration serves the export, which renders a value at a time,
and the import, which reads all of a column at once.
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

Finding = tuple[pl.Expr, str]
ModelField = Field[Any, Any]

_MIDNIGHT = r"[ T]00:00:00(\.0+)?$"
_DATE_FORMATS = (("%Y-%m-%d", r"^\d{4}-\d{1,2}-\d{1,2}$"), ("%m/%d/%Y", r"^\d{1,2}/\d{1,2}/\d{4}$"))
_FIRST_SPREADSHEET_DAY = date(1900, 3, 1)
_WHOLE_NUMBER = r"^-?([0-9]+|[0-9]{1,3}(,[0-9]{2,3})*,[0-9]{3})(\.0+)?$"
_DECIMAL = r"^-?[0-9]+(\.[0-9]+)?$"


class ColumnWidget(widgets.Widget):
    """A kind of column. Expressions take and give columns of one batch; null stands for "none"."""

    def read(self, text: pl.Expr, field: ModelField) -> pl.Expr:
        raise NotImplementedError

    def findings(self, text: pl.Expr, value: pl.Expr, field: ModelField) -> Sequence[Finding]:
        """What can be wrong, each as the condition and the words that follow the value; the first that holds counts."""
        raise NotImplementedError

    def in_words(self, field: ModelField) -> str:
        """What a cell may hold."""
        raise NotImplementedError

    def render(self, value: object, obj: object = None, **kwargs: object) -> object:
        return value


class TextWidget(ColumnWidget):
    def read(self, text: pl.Expr, field: ModelField) -> pl.Expr:
        restored = pl.when(text.str.contains(ESCAPED_FORMULA)).then(text.str.slice(1)).otherwise(text)
        return restored if field.null else restored.fill_null("")

    def findings(self, text: pl.Expr, value: pl.Expr, field: ModelField) -> Sequence[Finding]:
        return [
            (
                value.str.len_chars() > field.max_length,
                f"is longer than {field.max_length} letters; shorten it",
            ),
        ]

    def in_words(self, field: ModelField) -> str:
        return f"text of at most {field.max_length:,} letters"

    def render(self, value: object, obj: object = None, **kwargs: object) -> object:
        return escape_formula(str(value or ""))


class WholeNumberWidget(ColumnWidget):
    def read(self, text: pl.Expr, field: ModelField) -> pl.Expr:
        digits = text.str.replace_all(",", "", literal=True).str.replace(r"\.0+$", "")
        return pl.when(text.str.contains(_WHOLE_NUMBER)).then(digits).cast(pl.Int64, strict=False)

    def findings(self, text: pl.Expr, value: pl.Expr, field: ModelField) -> Sequence[Finding]:
        return [
            (value.is_null() & text.str.contains(_WHOLE_NUMBER), "has too many digits; correct it"),
            (value.is_null() & text.is_not_null(), "is not a whole number; write digits only, such as 2,499"),
            *_out_of_bounds(value, field),
        ]

    def in_words(self, field: ModelField) -> str:
        return f"a whole number {_bounds_in_words(field)}, with commas between the thousands or without"


class DecimalWidget(ColumnWidget):
    """Kept as text until PostgreSQL reads it: no binary fraction comes in between."""

    def read(self, text: pl.Expr, field: ModelField) -> pl.Expr:
        return pl.when(text.str.contains(_DECIMAL)).then(text)

    def findings(self, text: pl.Expr, value: pl.Expr, field: ModelField) -> Sequence[Finding]:
        places: int = field.decimal_places  # type: ignore[attr-defined]
        return [
            (value.is_null() & text.is_not_null(), "is not a number; write it in digits, such as 4.1"),
            *_out_of_bounds(value.cast(pl.Float64), field),
            (value.str.contains(rf"\.\d{{{places}}}0*[1-9]"), f"has more than {places} decimal; round it"),
        ]

    def in_words(self, field: ModelField) -> str:
        places: int = field.decimal_places  # type: ignore[attr-defined]
        decimals = f"{places} decimal{'s' * (places > 1)}"
        return f"a number {_bounds_in_words(field)}, with a decimal point and at most {decimals}"


class DateWidget(ColumnWidget):
    def read(self, text: pl.Expr, field: ModelField) -> pl.Expr:
        day = text.str.replace(_MIDNIGHT, "")
        return pl.coalesce(
            pl.when(day.str.contains(shape)).then(day).str.to_date(form, strict=False) for form, shape in _DATE_FORMATS
        )

    def findings(self, text: pl.Expr, value: pl.Expr, field: ModelField) -> Sequence[Finding]:
        return [
            (
                value.is_null() & text.is_not_null(),
                "is not a date; write a day that exists as MM/DD/YYYY or YYYY-MM-DD",
            ),
            (value.dt.year() < 1, "lies before the year 1; correct it"),
        ]

    def in_words(self, field: ModelField) -> str:
        return "a day as MM/DD/YYYY or YYYY-MM-DD, or a cell that a spreadsheet takes for a day"

    def render(self, value: date | None, obj: object = None, **kwargs: object) -> object:  # type: ignore[override]
        """A spreadsheet counts days from 1900, and takes that year for a leap year: older days go out as text."""
        return value.isoformat() if value and value < _FIRST_SPREADSHEET_DAY else value


class ChoiceWidget(ColumnWidget):
    """One of the field's choices, in capitals or small letters."""

    def read(self, text: pl.Expr, field: ModelField) -> pl.Expr:
        choices = {str(value).lower(): str(value) for value, _ in field.flatchoices}
        return text.str.to_lowercase().replace_strict(choices, default=None, return_dtype=pl.String)

    def findings(self, text: pl.Expr, value: pl.Expr, field: ModelField) -> Sequence[Finding]:
        known = " or ".join(str(choice) for choice, _ in field.flatchoices)
        return [(value.is_null() & text.is_not_null(), f"is not known here; write {known}")]

    def in_words(self, field: ModelField) -> str:
        return " or ".join(f"{value} ({str(label).lower()})" for value, label in field.flatchoices)


class YesNoWidget(ColumnWidget):
    def read(self, text: pl.Expr, field: ModelField) -> pl.Expr:
        answers = {"yes": True, "no": False, "true": True, "false": False}
        return text.str.to_lowercase().replace_strict(answers, default=None, return_dtype=pl.Boolean)

    def findings(self, text: pl.Expr, value: pl.Expr, field: ModelField) -> Sequence[Finding]:
        return [(value.is_null() & text.is_not_null(), "is neither Yes nor No; write one of these")]

    def in_words(self, field: ModelField) -> str:
        return "Yes or No"

    def render(self, value: object, obj: object = None, **kwargs: object) -> object:
        return "Yes" if value else "No"


def _out_of_bounds(number: pl.Expr, field: ModelField) -> list[Finding]:
    lowest, highest = _bounds(field)
    return [
        (number < lowest, f"is below {lowest:,}, the least there may be; correct it"),
        (number > highest, f"is above {highest:,}, the most there may be; correct it"),
    ]


def _bounds(field: ModelField) -> tuple[int, int]:
    return max(_limits(field, MinValueValidator)), min(_limits(field, MaxValueValidator))


def _bounds_in_words(field: ModelField) -> str:
    lowest, highest = _bounds(field)
    return f"from {lowest:,} to {highest:,}"


def _limits(field: ModelField, kind: type[MinValueValidator | MaxValueValidator]) -> list[int]:
    found = [validator.limit_value for validator in field.validators if type(validator) is kind]
    return [int(limit) for limit in found if isinstance(limit, int | Decimal)]
