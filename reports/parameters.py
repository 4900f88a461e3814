"""Reads the parameters in the address of a report. Invalid values raise ParameterError."""

from collections.abc import Callable, Collection
from datetime import date
from itertools import pairwise

from healthtrack.core.text import quote
from patients.age import BANDS, Band
from patients.filters.records import DATE_HINT, MAX_AGE

MAX_BANDS = 20


class ParameterError(ValueError):
    """A validation error of a parameter. Its message names the parameter, its value and what to do."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter


def find_error(read: Callable[[], object]) -> dict[str, str]:
    """Return the message of the ParameterError that `read` raises, by its parameter; empty if it raises none."""
    try:
        read()
    except ParameterError as error:
        return {error.parameter: str(error)}
    return {}


def parse_bands(value: str) -> tuple[Band, ...]:
    """Return age groups that end with these comma-separated ages, and one for everybody older."""
    if not value.strip():
        return BANDS
    ends = [end.strip() for end in value.split(",")]
    if not all(end.isascii() and end.isdecimal() and len(end) <= 3 for end in ends):
        raise _bands_error(value, "is not a list of ages")
    ages = [int(end) for end in ends]
    if len(ages) > MAX_BANDS or ages[-1] >= MAX_AGE:
        raise _bands_error(value, f"has more than {MAX_BANDS} ages or an age of {MAX_AGE} or more")
    if any(age >= following for age, following in pairwise(ages)):
        raise _bands_error(value, "is not in ascending order")
    starts = [0, *(age + 1 for age in ages)]
    return tuple(Band(start, end) for start, end in zip(starts, [*ages, None], strict=True))


def _bands_error(value: str, reason: str) -> ParameterError:
    return ParameterError(
        "bands",
        f"{quote(value)} is not a valid value for “Age group limits”: it {reason}. Enter the last age of each group"
        " except the oldest, such as 18,35,50.",
    )


def parse_day(parameter: str, label: str, value: str) -> date:
    """Return the day. Raises ParameterError if the value is not a day in the notation of ISO 8601."""
    try:
        day = date.fromisoformat(value)
    except ValueError:
        day = None
    if day is None or day.isoformat() != value:
        raise ParameterError(parameter, f"{quote(value)} is not a valid value for “{label}”. {DATE_HINT}")
    return day


def parse_format(value: str, formats: Collection[str]) -> str:
    """Return the file format, or an empty string for the page."""
    if value and value not in formats:
        raise ParameterError("format", f"{quote(value)} is not a valid value for “format”. Use {' or '.join(formats)}.")
    return value


def parse_page(value: str, pages: int) -> tuple[int, str]:
    """Return the nearest existing page, and a sentence if it is not the requested one."""
    if not value:
        return 1, ""
    try:
        requested = int(value)
    except ValueError:
        return 1, f"{quote(value)} is not a page number. This is page 1 of {pages}."
    nearest = min(max(requested, 1), pages)
    if nearest == requested:
        return nearest, ""
    return nearest, f"There is no page {quote(value)}. This is page {nearest} of {pages}."
