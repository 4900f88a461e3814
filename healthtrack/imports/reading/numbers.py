"""Read the numbers of a workbook. Dates are stored as numbers too: only the cell's number format tells them apart."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from healthtrack.imports.reading.archive import unreadable_workbook
from healthtrack.imports.reading.xml import Attributes, PartParser

_BUILT_IN_DATE_FORMATS = frozenset(map(str, (*range(14, 23), *range(27, 37), 45, 47, *range(50, 59))))
_LITERAL_PARTS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]|;.*', re.DOTALL)
_SECTIONS = ("numFmts", "fonts", "fills", "borders", "cellStyleXfs", "cellXfs", "cellStyles", "dxfs", "tableStyles")
_DAY_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001  (a cell has no zone)
_DAY_ZERO_OF_1904 = datetime(1904, 1, 1)  # noqa: DTZ001 (spreadsheets know no time zone)
_FALSE_LEAP_DAY = 60  # Office counts a 29 February 1900, which did not exist
_END_OF_DAYS = 2_958_466  # the first day of the year 10000
_CACHED_DAYS = 2**16
_MAX_STYLES = 2**16  # more than Office writes


class Styles(PartParser):
    """Collects in `date_styles` which of the workbook's styles show a number as a date."""

    def __init__(self) -> None:
        super().__init__()
        self.date_styles: set[str] = set()
        self._date_formats = set(_BUILT_IN_DATE_FORMATS)
        self._section = ""
        self._number = 0

    def start(self, name: str, attributes: Attributes) -> None:
        self.depth += 1
        name = name.removeprefix(self.main)
        if name in _SECTIONS:
            self._section = name
        elif name == "numFmt" and self._section == "numFmts":
            if _is_date_format(attributes.get("formatCode", "")):
                self._date_formats.add(attributes.get("numFmtId", ""))
        elif name == "xf" and self._section == "cellXfs":
            if attributes.get("numFmtId") in self._date_formats:
                self.date_styles.add(str(self._number))
            self._number += 1
        if self._number + len(self._date_formats) > _MAX_STYLES:
            raise unreadable_workbook()


class NumberFormatter:
    """Formats the numbers of a workbook as texts."""

    def __init__(self, date_styles: set[str], *, from_1904: bool) -> None:
        self._date_styles = date_styles
        self._format_date = _date_from_1904 if from_1904 else _date_from_1900

    def format(self, number: str, style: str) -> str:
        """Return a number as a CSV file would hold it. Text that is not a number is returned unchanged."""
        if style in self._date_styles:
            return self._format_date(number)
        return number if number.isdecimal() else _plain(number)


def _is_date_format(code: str) -> bool:
    return bool(re.search("[dmyhs]", _LITERAL_PARTS.sub("", code), re.IGNORECASE))


def _plain(number: str) -> str:
    # With the 15 digits that Office shows, so that the sum of 0.1 and 0.2 is 0.3.
    try:
        plain = f"{float(number):.15g}"
    except ValueError:
        return number
    return f"{Decimal(plain):f}" if "e" in plain else plain


@lru_cache(_CACHED_DAYS)
def _date_from_1900(number: str) -> str:
    return _date(number, _DAY_ZERO)


@lru_cache(_CACHED_DAYS)
def _date_from_1904(number: str) -> str:
    return _date(number, _DAY_ZERO_OF_1904)


def _date(number: str, day_zero: datetime) -> str:
    try:
        days = float(number)
    except ValueError:
        return number
    if not 0 <= days < _END_OF_DAYS:
        return _plain(number)
    if day_zero == _DAY_ZERO and days < _FALSE_LEAP_DAY:
        days += 1
    return str(day_zero + timedelta(seconds=round(days * 86_400)))
