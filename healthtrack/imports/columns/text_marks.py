"""Marks by which spreadsheets and other programs protect texts: an apostrophe before them, or a formula around them."""

from enum import StrEnum

import polars as pl

from healthtrack.core.downloads.formula_escaping import ESCAPED_FORMULA

# ="00123" is a formula whose value is the text, whatever it looks like. A quote in it is doubled.
_FORMULA_TEXT = r'(?s)^\s*="((?:[^"]|"")*)"\s*$'
# Dutch names begin with an apostrophe: 't Hooft, 's Gravesande.
_MARKED = r"^'[^']"
_ELIDED = r"(?i)^'(?:[nst]|ts|k|m|r)(?:[ \-]|$)"
_MARKED_NUMBER = r"^'[0-9]"


class Apostrophe(StrEnum):
    """What an apostrophe before the values of a column is."""

    MARK = "mark"
    TEXT = "text"


def unwrap_formula_texts(text: pl.Expr) -> pl.Expr:
    """Return the texts without the formulas that protect them."""
    inner = text.str.replace(_FORMULA_TEXT, "$1").str.replace_all('""', '"', literal=True)
    return pl.when(text.str.contains(_FORMULA_TEXT)).then(inner).otherwise(text)


def is_marked(text: pl.Expr) -> pl.Expr:
    """Return whether texts begin with an apostrophe that may be a mark: neither a name's nor that before a formula."""
    return text.str.contains(_MARKED) & ~text.str.contains(_ELIDED) & ~text.str.contains(ESCAPED_FORMULA)


def is_marked_number(text: pl.Expr) -> pl.Expr:
    return text.str.contains(_MARKED_NUMBER)


def remove_marks(text: pl.Expr) -> pl.Expr:
    """Return the texts without the apostrophe that marks them. That before a formula is removed in all columns."""
    is_more = text.str.contains("^''") & ~text.str.contains(ESCAPED_FORMULA)
    return pl.when(is_marked(text) | is_more).then(text.str.slice(1)).otherwise(text)
