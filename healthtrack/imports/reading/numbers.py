"""What a workbook's numbers say: days are kept as numbers, and only their format tells."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from healthtrack.imports.reading.xml import Attributes, PartParser

_DAYS_OF_OFFICE = frozenset(map(str, (*range(14, 23), *range(27, 37), 45, 47, *range(50, 59))))
_NO_PART_OF_A_DAY = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]|;.*', re.DOTALL)
_SECTIONS = ("numFmts", "fonts", "fills", "borders", "cellStyleXfs", "cellXfs", "cellStyles", "dxfs", "tableStyles")
_FIRST_DAY = datetime(1899, 12, 30)  # noqa: DTZ001  (a cell has no zone)
_FIRST_DAY_OF_1904 = datetime(1904, 1, 1)  # noqa: DTZ001
_LEAP_DAY_THAT_WAS_NOT = 60  # Office counts a 29 February 1900
_MOST_DAYS = 2_958_466  # up to the end of 9999
_KEPT_DAYS = 2**16


class Styles(PartParser):
    """Which of the workbook's styles show a number as a day."""

    def __init__(self) -> None:
        super().__init__()
        self.of_days: set[str] = set()
        self._formats_of_days = set(_DAYS_OF_OFFICE)
        self._section = ""
        self._number = 0

    def start(self, name: str, attributes: Attributes) -> None:
        name = name.removeprefix(self.main)
        if name in _SECTIONS:
            self._section = name
        elif name == "numFmt" and self._section == "numFmts":
            if _is_of_days(attributes.get("formatCode", "")):
                self._formats_of_days.add(attributes.get("numFmtId", ""))
        elif name == "xf" and self._section == "cellXfs":
            if attributes.get("numFmtId") in self._formats_of_days:
                self.of_days.add(str(self._number))
            self._number += 1


class Numbers:
    def __init__(self, styles_of_days: set[str], *, from_1904: bool) -> None:
        self._styles_of_days = styles_of_days
        self._day = _day_of_1904 if from_1904 else _day

    def in_words(self, number: str, style: str) -> str:
        """As a CSV file would hold it; what is no number stays as it is."""
        if style in self._styles_of_days:
            return self._day(number)
        return number if number.isdecimal() else _plain(number)


def _is_of_days(form: str) -> bool:
    return bool(re.search("[dmyhs]", _NO_PART_OF_A_DAY.sub("", form), re.IGNORECASE))


def _plain(number: str) -> str:
    """With the 15 digits that Office shows, so that the sum of 0.1 and 0.2 is 0.3."""
    try:
        plain = f"{float(number):.15g}"
    except ValueError:
        return number
    return f"{Decimal(plain):f}" if "e" in plain else plain


@lru_cache(_KEPT_DAYS)
def _day(number: str) -> str:
    return _moment(number, _FIRST_DAY)


@lru_cache(_KEPT_DAYS)
def _day_of_1904(number: str) -> str:
    return _moment(number, _FIRST_DAY_OF_1904)


def _moment(number: str, first_day: datetime) -> str:
    try:
        days = float(number)
    except ValueError:
        return number
    if not 0 <= days < _MOST_DAYS:
        return _plain(number)
    if first_day == _FIRST_DAY and days < _LEAP_DAY_THAT_WAS_NOT:
        days += 1
    return str(first_day + timedelta(seconds=round(days * 86_400)))
