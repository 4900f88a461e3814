"""Read the numbers of a workbook. Dates are stored as numbers too: only the cell's number format tells them apart."""

import math
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from healthtrack.imports.reading.archive import unreadable_workbook
from healthtrack.imports.reading.number_formats import PLAIN, NumberFormat, get_built_in_format, parse_format
from healthtrack.imports.reading.xml import Attributes, PartParser

_SECTIONS = ("numFmts", "fonts", "fills", "borders", "cellStyleXfs", "cellXfs", "cellStyles", "dxfs", "tableStyles")
_DAY_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001  (a cell has no zone)
_DAY_ZERO_OF_1904 = datetime(1904, 1, 1)  # noqa: DTZ001 (spreadsheets know no time zone)
_FALSE_LEAP_DAY = 60  # Office counts a 29 February 1900, which did not exist
_CACHED_DAYS = 2**16
_EXACT_DIGITS = 15
# With a decimal comma it would be read as thousands.
_LIKE_THOUSANDS = re.compile(r"-?[1-9][0-9]{0,2}\.[0-9]{3}")
_MAX_STYLES = 2**16  # more than Office writes


class DisplayedNumber(str):
    """A number with the unit that its format adds to it. As a text, it is what the sheet displays: `shown`."""

    __slots__ = ("shown",)
    shown: str

    @classmethod
    def make(cls, plain: str, shown: str) -> "DisplayedNumber":
        number = cls(plain)
        number.shown = shown
        return number


class Styles(PartParser):
    """Collects in `formats` the number format of each of the workbook's styles, by the number of the style."""

    def __init__(self) -> None:
        super().__init__()
        self.formats: list[NumberFormat] = []
        self._defined: dict[str, NumberFormat] = {}
        self._section = ""

    def start(self, name: str, attributes: Attributes) -> None:
        self.depth += 1
        name = name.removeprefix(self.main)
        if name in _SECTIONS:
            self._section = name
        elif name == "numFmt" and self._section == "numFmts":
            self._defined[attributes.get("numFmtId", "")] = parse_format(attributes.get("formatCode", ""))
        elif name == "xf" and self._section == "cellXfs":
            number = attributes.get("numFmtId", "")
            # The workbook's own definition counts, even of a number that has a built-in meaning.
            self.formats.append(self._defined.get(number) or get_built_in_format(number))
        if len(self.formats) + len(self._defined) > _MAX_STYLES:
            raise unreadable_workbook()


class NumberFormatter:
    """Formats the numbers of a workbook as texts."""

    def __init__(self, formats: Sequence[NumberFormat], *, from_1904: bool) -> None:
        self._special = {str(number): each for number, each in enumerate(formats) if each != PLAIN}
        self._format_date = _date_from_1904 if from_1904 else _date_from_1900

    def format(self, number: str, style: str) -> str:
        """Return a number as a CSV file would hold it. Text that is not a number is returned unchanged."""
        special = self._special.get(style)
        if special is None:
            return number if number.isdecimal() and len(number) <= _EXACT_DIGITS else _format_plain(number)
        if special.is_date:
            return self._format_date(number)
        plain = _plain(number)
        if special.is_percent:
            return _percent(plain)
        written = _format_plain(number)
        displayed = special.show(plain) if special.show else getattr(written, "shown", written)
        return DisplayedNumber.make(f"{written} {special.unit}" if special.unit else written, displayed)


def _plain(number: str) -> str:
    # With the 15 digits that Office shows, so that the sum of 0.1 and 0.2 is 0.3.
    try:
        plain = f"{float(number):.15g}"
    except ValueError:
        return number
    return f"{Decimal(plain):f}" if "e" in plain else plain


def _format_plain(number: str) -> str:
    plain = _plain(number)
    if _LIKE_THOUSANDS.fullmatch(plain):
        return DisplayedNumber.make(f"{plain}0", plain)
    if len(plain) <= _EXACT_DIGITS or not plain.isdecimal():
        return plain
    return DisplayedNumber.make(plain, f"{float(plain):.14E}")  # Office has replaced further digits by zeros


def _percent(number: str) -> str:
    try:
        return f"{(Decimal(number) * 100).normalize():f}%"
    except ArithmeticError:
        return number


@lru_cache(_CACHED_DAYS)
def _date_from_1900(number: str) -> str:
    return _date(number, _DAY_ZERO)


@lru_cache(_CACHED_DAYS)
def _date_from_1904(number: str) -> str:
    return _date(number, _DAY_ZERO_OF_1904)


def _date(number: str, day_zero: datetime) -> str:
    """Return the moment of a day number. One that is not a date, such as 0 and 60, is returned as a plain number."""
    try:
        days = float(number)
    except ValueError:
        return number
    is_from_1900 = day_zero == _DAY_ZERO
    if not 1 <= days < math.inf or (is_from_1900 and int(days) == _FALSE_LEAP_DAY):
        return _plain(number)
    if is_from_1900 and days < _FALSE_LEAP_DAY:
        days += 1
    try:
        return str(day_zero + timedelta(seconds=round(days * 86_400)))
    except OverflowError:
        return _plain(number)
