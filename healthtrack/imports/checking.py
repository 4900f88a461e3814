"""Cleans and validates a batch of rows, a whole column at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from healthtrack.core.formula_escaping import ERROR, FORMULA
from healthtrack.imports.plan import Column, RowRule
from healthtrack.imports.reading.table import LINE
from healthtrack.imports.row_errors import Fault
from healthtrack.imports.widgets import Finding

# Besides those that count as blanks; most of them cannot stand in an XLSX file.
_CONTROL = "[\\p{Cc}\ufffe\uffff]"


@dataclass(frozen=True)
class CheckedBatch:
    """`rows` has the line and the typed columns, in the plan's order; rows with a fault are left out."""

    rows: pl.DataFrame
    faults: list[Fault]


def check_batch(batch: pl.DataFrame, columns: Sequence[Column], rules: Sequence[RowRule]) -> CheckedBatch:
    """Checks a batch whose text columns are named as the plan's are."""
    work = batch.rename({column.name: _raw(column) for column in columns})
    work = work.with_columns(
        _cleaned(pl.col(_raw(column)), folds=folds).alias(_text(column))
        for column, folds in zip(columns, _with_odd_blanks(work, columns), strict=True)
    )
    work = work.with_columns(
        column.widget.read(pl.col(_text(column)), column.field).alias(column.name) for column in columns
    )
    headers = {column.name: column for column in columns}
    findings = [(column, _findings(column)) for column in columns]
    findings += [(headers[rule.column], [(rule.broken, rule.reason)]) for rule in rules]
    reasons = work.select(_first_reason(of_column).alias(str(place)) for place, (_, of_column) in enumerate(findings))
    faults = [
        fault
        for place, (column, of_column) in enumerate(findings)
        for fault in _faults(work, reasons[str(place)], column, of_column)
    ]
    if not faults:
        return CheckedBatch(work.select(LINE, *headers), [])
    sound = reasons.select(pl.all_horizontal(pl.all().is_null())).to_series()
    return CheckedBatch(work.filter(sound).select(LINE, *headers), faults)


def _raw(column: Column) -> str:
    return f"raw {column.name}"


def _text(column: Column) -> str:
    return f"text {column.name}"


def _with_odd_blanks(work: pl.DataFrame, columns: Sequence[Column]) -> tuple[bool, ...]:
    """Which columns hold runs of blanks or other blanks than the plain one: few do, and to fold these is slow."""
    return work.select(pl.col(_raw(column)).str.contains(r"\s\s|[^\S ]").any() for column in columns).row(0)


def _cleaned(raw: pl.Expr, *, folds: bool) -> pl.Expr:
    text = (raw.str.replace_all(r"\s+", " ") if folds else raw).str.strip_chars(" ")
    return pl.when((text != "") & ~text.str.contains("(?i)^none$")).then(text)


def _findings(column: Column) -> list[Finding]:
    text, value = pl.col(_text(column)), pl.col(column.name)
    missing = [(text.is_null(), "is missing; fill it in")] if column.required else []
    return [
        *missing,
        (text.str.contains("\x00", literal=True), "holds a NUL byte; take it away"),
        (text.str.contains(_CONTROL), "holds a control character, which cannot be seen; take it away"),
        (text.str.contains("\ufffd", literal=True), "is not encoded in UTF-8; save the file as “CSV UTF-8”"),
        (
            text.str.contains(_formula(column)),
            "looks like a formula; write its value, or ' before it to keep it as text",
        ),
        (text.str.contains(ERROR), "is an error of the spreadsheet; write its value instead"),
        *column.widget.findings(text, value, column.field),
    ]


def _formula(column: Column) -> str:
    """A minus or plus before a digit begins a number, in a column that is not text."""
    return FORMULA if column.field.get_internal_type() == "CharField" else r"^[=@]|^[+\-][^\d]"


def _first_reason(findings: Sequence[Finding]) -> pl.Expr:
    return pl.coalesce(
        pl.when(condition).then(pl.lit(number, pl.Int8)) for number, (condition, _) in enumerate(findings)
    )


def _faults(work: pl.DataFrame, reasons: pl.Series, column: Column, findings: Sequence[Finding]) -> list[Fault]:
    if reasons.null_count() == len(reasons):
        return []
    faulty = work.select(LINE, pl.col(_raw(column)).alias("value"), reasons.alias("reason")).drop_nulls("reason")
    return [Fault(findings[reason][1], line, column.header, value or "") for line, value, reason in faulty.iter_rows()]
