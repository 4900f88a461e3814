"""Columns of numbers: with a decimal point or comma, and with marks or spaces between the thousands."""

import re
from collections.abc import Sequence
from decimal import Decimal

import polars as pl
from django.core.validators import MaxValueValidator, MinValueValidator

from healthtrack.imports.columns.notation import DOCUMENTED, DecimalMark, Notation
from healthtrack.imports.columns.number_units import NUMBER, Unit
from healthtrack.imports.columns.widgets import DATE_CELL, ColumnWidget, ErrorRule, ModelField

_GROUPED_BY_SPACES = "[1-9][0-9]{0,2}(?:[ '\u2019][0-9]{3})+"


class NumberWidget(ColumnWidget):
    """A number, with or without its unit. Its decimals show the decimal mark, even if there are too many of them."""

    notations = tuple(Notation(decimal_mark=mark) for mark in DecimalMark)

    def __init__(self, unit: Unit = NUMBER) -> None:
        super().__init__()
        self.unit = unit

    def shows_notation(self, text: pl.Expr, notation: Notation) -> pl.Expr:
        mark = notation.decimal_mark or DecimalMark.POINT
        number = self.unit.remove(text)
        return number.str.contains(rf"^-?(?:[0-9]+|{_grouped(mark)}){re.escape(mark.sign)}[0-9]+$")

    def _list_reasons(self, number: pl.Expr, value: pl.Expr, other: str) -> list[ErrorRule]:
        """Return the rules for texts that are no numbers, of which `other` is the reason if nothing else is."""
        is_wrong = value.is_null() & number.is_not_null()
        reasons = [(number.str.contains(DATE_CELL), "This cell contains a date. Enter a number.")]
        reasons += self.unit.list_reasons(number)
        return [*((is_wrong & found, reason) for found, reason in reasons), (is_wrong, other)]


class WholeNumberWidget(NumberWidget):
    """A whole number. Three digits after a mark are thousands, because a whole number has no decimals."""

    def read(self, text: pl.Expr, field: ModelField, notation: Notation = DOCUMENTED) -> pl.Expr:
        if notation.decimal_mark is None:
            return self._read_alike(text, field)
        text, mark = self.unit.remove(text), re.escape(notation.decimal_mark.sign)
        digits = text.str.replace_all(rf"[{re.escape(notation.decimal_mark.thousands_sign)} '\u2019]", "")
        pattern = _whole_number_pattern(notation.decimal_mark)
        return (
            pl.when(text.str.contains(pattern)).then(digits.str.replace(f"{mark}0+$", "")).cast(pl.Int64, strict=False)
        )

    def error_rules(self, text: pl.Expr, value: pl.Expr, field: ModelField, notation: Notation) -> Sequence[ErrorRule]:
        number = self.unit.remove(text)
        pattern = _whole_number_pattern(notation.decimal_mark or DecimalMark.POINT)
        return [
            (value.is_null() & number.str.contains(pattern), "Has too many digits. Correct it."),
            *self._list_reasons(number, value, "Not a whole number. Use digits only, such as 2499."),
            *_range_rules(value, field),
        ]

    def describe_values(self, field: ModelField) -> str:
        return f"a whole number {_describe_range(field)}, with or without commas between the thousands"


class DecimalWidget(NumberWidget):
    """A decimal number, which stays text until PostgreSQL reads it, so that no binary fraction comes in between."""

    def read(self, text: pl.Expr, field: ModelField, notation: Notation = DOCUMENTED) -> pl.Expr:
        if notation.decimal_mark is None:
            return self._read_alike(text, field)
        text, mark, thousands = self.unit.remove(text), notation.decimal_mark.sign, notation.decimal_mark.thousands_sign
        plain = text.str.replace_all(rf"[{re.escape(thousands)} '\u2019]", "").str.replace(mark, ".", literal=True)
        return pl.when(text.str.contains(_decimal_pattern(notation.decimal_mark))).then(plain)

    def error_rules(self, text: pl.Expr, value: pl.Expr, field: ModelField, notation: Notation) -> Sequence[ErrorRule]:
        places: int = field.decimal_places  # type: ignore[attr-defined]  # a field of decimals
        mark = "comma, such as 4,1" if notation.decimal_mark is DecimalMark.COMMA else "point, such as 4.1"
        return [
            *self._list_reasons(self.unit.remove(text), value, f"Not a number. Use digits and a decimal {mark}."),
            *_range_rules(value.cast(pl.Float64), field),
            (value.str.contains(rf"\.\d{{{places}}}0*[1-9]"), f"Has more than {_decimal_places(places)}. Round it."),
        ]

    def describe_values(self, field: ModelField) -> str:
        places: int = field.decimal_places  # type: ignore[attr-defined]  # a field of decimals
        return f"a number {_describe_range(field)}, with at most {_decimal_places(places)}"


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
