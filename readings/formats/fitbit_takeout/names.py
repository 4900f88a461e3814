"""The names of files of an export: what the files hold, and for which days."""

import re
from datetime import date, timedelta

_NAME = re.compile(r"^([A-Za-z_ ()0-9]*?)[-_ ]*(?:\d{4}-\d\d-|\d+\.|\(|\.)")
_DATE = re.compile(r"(\d{4})-(\d\d)-\(?(\d\d)\)?")
# How many days a file has from the day in its name on; most have a month.
_SPANS = {"heart_rate": 1, "resting_heart_rate": 366, "minute spo": 1, "heart rate variability details": 1}
_MAX_SPAN = 31
# These tables are divided by size, not by days.
_OF_ANY_DAY = {"usersleeps", "usersleepstages"}
_ALWAYS = (date.min.toordinal(), date.max.toordinal())


def find_stem(name: str) -> str:
    """Return the name of a file in lower case, without days, numbers and ending: heart_rate."""
    found = _NAME.match(name)
    return (found[1] if found else name.partition(".")[0]).strip().lower()


def find_days(name: str) -> tuple[int, int]:
    """Return the first day that a file may have and the day after the last, as ordinals.

    A file without a date in its name may have any day.
    """
    found = None if find_stem(name) in _OF_ANY_DAY else _DATE.search(name)
    try:
        first = date(*map(int, found.groups())) if found else None
    except ValueError:
        first = None
    if first is None:
        return _ALWAYS
    length = _SPANS.get(find_stem(name), _MAX_SPAN)
    return first.toordinal(), first.toordinal() + timedelta(days=length).days


def overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Return whether two spans of days have a day in common."""
    return one[0] < other[1] and other[0] < one[1]
