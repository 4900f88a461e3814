"""How a column of a file writes dates and numbers: one decision for the whole column."""

from dataclasses import dataclass
from enum import StrEnum


class DateOrder(StrEnum):
    MONTH_FIRST = "mdy"
    DAY_FIRST = "dmy"
    YEAR_DAY_MONTH = "ydm"


class DecimalMark(StrEnum):
    POINT = "point"
    COMMA = "comma"

    @property
    def sign(self) -> str:
        return "." if self is DecimalMark.POINT else ","

    @property
    def thousands_sign(self) -> str:
        return "," if self is DecimalMark.POINT else "."


@dataclass(frozen=True)
class Notation:
    """How a column writes dates and numbers. Where it is None, only what every notation reads alike is a value."""

    date_order: DateOrder | None = None
    decimal_mark: DecimalMark | None = None


# How the documented files are written.
DOCUMENTED = Notation(DateOrder.MONTH_FIRST, DecimalMark.POINT)
