"""Clean and validate a batch of rows, one whole column at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from healthtrack.core.formula_escaping import ERROR, FORMULA
from healthtrack.imports.plan import Column, RowRule
from healthtrack.imports.reading.table import LINE
from healthtrack.imports.row_errors import RowError
from healthtrack.imports.widgets import ErrorRule

# Control characters that do not count as whitespace. XLSX files can hold hardly any of them.
_CONTROL = "[\\p{Cc}\ufffe\uffff]"


@dataclass(frozen=True)
class CheckedBatch:
    """The valid rows of a batch, as their line and typed columns in the plan's order, and its errors."""

    rows: pl.DataFrame
    errors: list[RowError]


def check_batch(batch: pl.DataFrame, columns: Sequence[Column], rules: Sequence[RowRule]) -> CheckedBatch:
    """Check a batch whose text columns have the names of the plan's columns."""
    work = batch.rename({column.name: _raw(column) for column in columns})
    work = work.with_columns(
        _clean(pl.col(_raw(column)), collapse_spaces=collapse_spaces).alias(_text(column))
        for column, collapse_spaces in zip(columns, _have_odd_spaces(work, columns), strict=True)
    )
    work = work.with_columns(
        column.widget.read(pl.col(_text(column)), column.field).alias(column.name) for column in columns
    )
    by_name = {column.name: column for column in columns}
    rules_by_column = [(column, _error_rules(column)) for column in columns]
    rules_by_column += [(by_name[rule.column], [(rule.broken, rule.reason)]) for rule in rules]
    # Which rule each row breaks first: a column for each entry of the list, null where the row breaks none.
    broken = work.select(
        _first_broken(column_rules).alias(str(place)) for place, (_, column_rules) in enumerate(rules_by_column)
    )
    errors = [
        error
        for place, (column, column_rules) in enumerate(rules_by_column)
        for error in _collect_errors(work, broken[str(place)], column, column_rules)
    ]
    if not errors:
        return CheckedBatch(work.select(LINE, *by_name), [])
    valid = broken.select(pl.all_horizontal(pl.all().is_null())).to_series()
    return CheckedBatch(work.filter(valid).select(LINE, *by_name), errors)


def _raw(column: Column) -> str:
    return f"raw {column.name}"


def _text(column: Column) -> str:
    return f"text {column.name}"


def _have_odd_spaces(work: pl.DataFrame, columns: Sequence[Column]) -> tuple[bool, ...]:
    """Return which columns hold several spaces in a row, or other whitespace: few do, and to replace it is slow."""
    return work.select(pl.col(_raw(column)).str.contains(r"\s\s|[^\S ]").any() for column in columns).row(0)


def _clean(raw: pl.Expr, *, collapse_spaces: bool) -> pl.Expr:
    text = (raw.str.replace_all(r"\s+", " ") if collapse_spaces else raw).str.strip_chars(" ")
    return pl.when((text != "") & ~text.str.contains("(?i)^none$")).then(text)


def _error_rules(column: Column) -> list[ErrorRule]:
    text, value = pl.col(_text(column)), pl.col(column.name)
    required = [(text.is_null(), "A value is required. Fill it in.")] if column.required else []
    return [
        *required,
        (text.str.contains("\x00", literal=True), "Contains a NUL character. Remove it."),
        (text.str.contains(_CONTROL), "Contains an invisible control character. Remove it."),
        (text.str.contains("\ufffd", literal=True), "Not encoded in UTF-8. Save the file as “CSV UTF-8”."),
        (
            text.str.contains(_formula(column)),
            "Looks like a formula. Enter its value, or put ' before it to import it as text.",
        ),
        (text.str.contains(ERROR), "This is a spreadsheet error. Enter the value instead."),
        *column.widget.error_rules(text, value, column.field),
    ]


def _formula(column: Column) -> str:
    """Return the pattern of a formula. A minus or plus before a digit begins a number, unless the column is text."""
    return FORMULA if column.field.get_internal_type() == "CharField" else r"^[=@]|^[+\-][^\d]"


def _first_broken(rules: Sequence[ErrorRule]) -> pl.Expr:
    return pl.coalesce(pl.when(broken).then(pl.lit(number, pl.Int8)) for number, (broken, _) in enumerate(rules))


def _collect_errors(
    work: pl.DataFrame, broken: pl.Series, column: Column, rules: Sequence[ErrorRule]
) -> list[RowError]:
    if broken.null_count() == len(broken):
        return []
    invalid = work.select(LINE, pl.col(_raw(column)).alias("value"), broken.alias("rule")).drop_nulls("rule")
    return [RowError(rules[rule][1], line, column.header, value or "") for line, value, rule in invalid.iter_rows()]
