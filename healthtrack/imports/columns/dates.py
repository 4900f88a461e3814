"""Columns of dates: with the year last or first, compact, with the name of a month, or as date cells of a workbook."""

from collections.abc import Sequence
from datetime import date
from functools import partial

import polars as pl

from healthtrack.imports.columns.month_names import NAMED_MONTH_AND_TWO_DIGIT_YEAR, read_named_months
from healthtrack.imports.columns.notation import DOCUMENTED, DateOrder, Notation
from healthtrack.imports.columns.widgets import DATE_CELL, ColumnWidget, ErrorRule, ModelField

# The end of a date at midnight, and of a date with any time of day. SAS puts a colon before it.
_MIDNIGHT = (
    r",?[ Tt:](0?0[:.]00([:.]00([.,]0+)?)?|12:00(:00(\.0+)?)? ?[Aa]\.?[Mm]\.?)"
    r"( ?([Zz]|UTC|GMT|Uhr|[+\-]00:?00))?$"
)
_DATE_AND_MIDNIGHT = len("1/1/1980 0:00")  # the shortest one
_TIME = r"[0-9][ T,:]+[0-9]{1,2}:[0-9]{2}"
_YEAR_FIRST = r"^[0-9]{4}(-[0-9]{1,2}-|/[0-9]{1,2}/|\.[0-9]{1,2}\.)[0-9]{1,2}$"
_YEAR_LAST = r"^[0-9]{1,2}(-[0-9]{1,2}-|/[0-9]{1,2}/)[0-9]{4}$"
_YEAR_LAST_OR_POINTS = r"^[0-9]{1,2}(-[0-9]{1,2}-|/[0-9]{1,2}/|\.[0-9]{1,2}\.)[0-9]{4}$"
# Eight digits, of which only a plausible year shows whether it comes first or last. Statistics programs add ".0".
_COMPACT_YEAR_FIRST = r"^(?:1[89]|20|21)[0-9]{6}(?:\.0+)?$"
_COMPACT_YEAR_LAST = r"^[0-3][0-9][0-3][0-9](?:1[89]|20|21)[0-9]{2}(?:\.0+)?$"
# By order: what a date looks like, and the format once its separators are hyphens. Points are day first.
_SHAPES = {
    DateOrder.MONTH_FIRST: ((_YEAR_FIRST, "%Y-%m-%d"), (_YEAR_LAST, "%m-%d-%Y")),
    DateOrder.DAY_FIRST: ((_YEAR_FIRST, "%Y-%m-%d"), (_YEAR_LAST_OR_POINTS, "%d-%m-%Y")),
    DateOrder.YEAR_DAY_MONTH: ((_YEAR_FIRST, "%Y-%d-%m"),),
}
_COMPACT_SHAPES = {
    DateOrder.MONTH_FIRST: ((_COMPACT_YEAR_FIRST, "%Y%m%d"), (_COMPACT_YEAR_LAST, "%m%d%Y")),
    DateOrder.DAY_FIRST: ((_COMPACT_YEAR_FIRST, "%Y%m%d"), (_COMPACT_YEAR_LAST, "%d%m%Y")),
    DateOrder.YEAR_DAY_MONTH: ((_COMPACT_YEAR_FIRST, "%Y%d%m"),),
}
# Whatever may be a compact date, or may have the name of a month.
_RARE = r"^[0-9]{8}|[A-Za-z\u00c0-\u024f]{3}"
_NUMBERS_AND_TWO_DIGIT_YEAR = r"^[0-9]{1,2}[/.\-][0-9]{1,2}[/.\-][0-9]{2}([ T,].*)?$"
_EXAMPLES = {
    DateOrder.MONTH_FIRST: "Use MM/DD/YYYY or YYYY-MM-DD.",
    DateOrder.DAY_FIRST: "Use DD/MM/YYYY or YYYY-MM-DD, because the dates of this column are day first.",
    DateOrder.YEAR_DAY_MONTH: "Use YYYY-DD-MM, because the dates of this column have the day before the month.",
    None: "Use MM/DD/YYYY or YYYY-MM-DD.",
}
# Which form a date has: its separator; a letter if the year comes first, or for a date cell; a digit if it is compact.
_FORMS_OF_YEAR_FIRST = {"/": "s", ".": "p", "-": "h"}
_CELL = "c"
_COMPACT = "8"
# Spreadsheets take 1900 for a leap year, so that earlier dates are a day off.
_FIRST_SPREADSHEET_DAY = date(1900, 3, 1)


class DateWidget(ColumnWidget):
    notations = (Notation(DateOrder.MONTH_FIRST), Notation(DateOrder.DAY_FIRST))
    rare_notation = Notation(DateOrder.YEAR_DAY_MONTH)

    def read(self, text: pl.Expr, field: ModelField, notation: Notation = DOCUMENTED) -> pl.Expr:
        order = notation.date_order
        if order is None:
            return self._read_alike(text, field)
        if order is DateOrder.YEAR_DAY_MONTH:
            text = pl.when(~text.str.contains(DATE_CELL)).then(text)  # a program that knew the date has written it
        # Few texts have a time or points, and to replace these in all texts would be slow.
        has_time, has_points = text.str.len_bytes() >= _DATE_AND_MIDNIGHT, text.str.contains(".", literal=True)
        day = pl.when(has_time).then(text.str.replace(_MIDNIGHT, "")).otherwise(text)
        plain = day.str.strip_chars_end(".").str.replace_all(". ", ".", literal=True)
        day = pl.when(has_points).then(plain).otherwise(day)
        separated = (
            pl.when(day.str.contains(shape)).then(day.str.replace_all("[/.]", "-")).str.to_date(form, strict=False)
            for shape, form in _SHAPES[order]
        )
        return pl.coalesce(*separated, day.map_batches(partial(_read_rare_dates, order=order), return_dtype=pl.Date))

    def error_rules(self, text: pl.Expr, value: pl.Expr, field: ModelField, notation: Notation) -> Sequence[ErrorRule]:
        is_wrong = value.is_null() & text.is_not_null()
        has_two_digits = pl.any_horizontal(
            text.str.contains(shape) for shape in (_NUMBERS_AND_TWO_DIGIT_YEAR, NAMED_MONTH_AND_TWO_DIGIT_YEAR)
        )
        return [
            (is_wrong & has_two_digits, "The year has two digits. Write all four."),
            (is_wrong & text.str.contains(_TIME), "This value contains a time of day. Remove the time."),
            (is_wrong, f"Not a valid date. {_EXAMPLES[notation.date_order]}"),
            (value.dt.year() < 1, "Date is before the year 1. Correct it."),
        ]

    def get_form(self, text: pl.Expr) -> pl.Expr:
        """Return the separator: dates with points are day first, which says nothing about dates with slashes."""
        separator = text.str.extract(r"^[0-9]+([/.\-])")
        return (
            pl.when(text.str.contains(DATE_CELL))
            .then(pl.lit(_CELL))
            .when(text.str.contains(r"^[0-9]{4}[/.\-]"))
            .then(separator.replace_strict(_FORMS_OF_YEAR_FIRST, default=None, return_dtype=pl.String))
            .when(text.str.contains("^[0-9]{8}"))
            .then(pl.lit(_COMPACT))
            .otherwise(separator)
        )

    def has_other_form(self, text: pl.Expr, forms: str) -> pl.Expr | None:
        others = "".join(separator for separator in "/.-" if separator not in forms)  # the hyphen is last or alone
        shapes = [rf"^[0-9]{{1,2}}[{others}]"] if others else []
        if _COMPACT not in forms:
            shapes.append("^[0-9]{8}")
        if any(form in forms for form in _FORMS_OF_YEAR_FIRST.values()):
            unproved = "".join(separator for separator, form in _FORMS_OF_YEAR_FIRST.items() if form not in forms)
            shapes += [rf"^[0-9]{{4}}[{unproved}]"] if unproved else []
        return text.str.contains("|".join(shapes)) if shapes else None

    def describe_values(self, field: ModelField) -> str:
        return "a date as MM/DD/YYYY or YYYY-MM-DD, or an Excel date cell"

    def render(self, value: date | None, obj: object = None, **kwargs: object) -> object:  # type: ignore[override]  # untyped in the base class
        """Return a date, or text if it is too early for a spreadsheet, which counts days from 1900."""
        return value.isoformat() if value and value < _FIRST_SPREADSHEET_DAY else value


def _read_rare_dates(days: pl.Series, order: DateOrder) -> pl.Series:
    """Return compact dates and those with the name of a month: to look for them is slow, and few columns have any."""
    if not days.str.contains(_RARE).any():
        return pl.repeat(None, len(days), dtype=pl.Date, eager=True)
    day = pl.col("day")
    compact = (
        pl.when(day.str.contains(shape)).then(day).str.slice(0, 8).str.to_date(form, strict=False)
        for shape, form in _COMPACT_SHAPES[order]
    )
    return days.to_frame("day").select(pl.coalesce(*compact, read_named_months(day))).to_series()
