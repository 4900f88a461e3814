"""Date cells of a workbook in which a spreadsheet may have exchanged day and month when it read a text file."""

from enum import StrEnum

import polars as pl

_CELL = r"^([0-9]{4})-([0-9]{2})-([0-9]{2}) "


class DateCells(StrEnum):
    """What the date cells of a column mean."""

    AS_SHOWN = "as_shown"
    EXCHANGED = "exchanged"


def exchange_days_and_months(text: pl.Expr) -> pl.Expr:
    """Return the texts with day and month exchanged in those of date cells."""
    return text.str.replace(_CELL, "$1-$3-$2 ")
