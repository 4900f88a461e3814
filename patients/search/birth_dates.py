"""Find the date of birth that somebody typed into a search, in any common notation."""

import re
from collections.abc import Iterator
from datetime import date

from django.utils import timezone

from patients.age import MAX_AGE

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    "(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)"
)
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>\d{4}|\d{2})"
# A notation in digits gives its parts in the order of the groups; which is the day and which the month may be open.
_NOTATIONS = [
    re.compile(rf"(?<![\w-])(?:{notation})(?![\w-])", re.IGNORECASE)
    for notation in (
        rf"{_DAY}[ .\-]*{_MONTH}[ .,\-]*{_YEAR}",
        rf"{_MONTH}[ .\-]*{_DAY}[ .,\-]+{_YEAR}",
        rf"{_YEAR}[ .\-]*{_MONTH}[ .\-]*{_DAY}",
        r"(?P<year>\d{4})[-/.](?P<second>\d{1,2})[-/.](?P<first>\d{1,2})",
        r"(?P<first>\d{1,2})(?:\. ?|[-/])(?P<second>\d{1,2})(?:\. ?|[-/])(?P<year>\d{4}|\d{2})",
        r"(?P<year>(?:19|20)\d{2})(?P<second>\d{2})(?P<first>\d{2})",
        r"(?P<first>\d{2})(?P<second>\d{2})(?P<year>(?:19|20)\d{2})",
    )
]


def split_birth_dates(text: str) -> tuple[list[date], str]:
    """Return the days that the first date in the text may mean, and the text without it.

    A date such as 4/10/53 may mean several days. Days on which no living person was born are not dates of birth.
    """
    for notation in _NOTATIONS:
        if found := notation.search(text):
            days = sorted(set(_read(found)))
            if days:
                return days, f"{text[: found.start()]} {text[found.end() :]}"
    return [], text


def _read(found: re.Match[str]) -> Iterator[date]:
    """Yield the days of both centuries, and of both orders of day and month, that exist and are in the past."""
    parts = found.groupdict()
    today = timezone.localdate()
    if month := parts.get("month"):
        orders = {(_MONTHS.index(month[:3].lower()) + 1, int(parts["day"]))}
    else:
        second, first = int(parts["second"]), int(parts["first"])
        orders = {(second, first)} if found.start("year") < found.start("first") else {(second, first), (first, second)}
    number = int(parts["year"])
    for year in [number] if len(parts["year"]) > 2 else [1900 + number, 2000 + number]:
        for month_number, day in orders:
            try:
                born = date(year, month_number, day)
            except ValueError:
                continue
            if born <= today and today.year - year <= MAX_AGE:
                yield born
