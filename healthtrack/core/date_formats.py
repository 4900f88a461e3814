"""How pages write dates and times: in the format and the time zone that a person chose, or in those of the program.

`healthtrack/formats` gives Django these formats, so they apply to the lists of the admin, to `{{ day }}` in templates,
and to `date_format(day)`. Files that people download do not use them: their dates are in the notation of ISO 8601.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import dateformat, timezone

# In the letters of Django's filter `date`.
DATE_FORMATS = {"words": "j M Y", "iso": "Y-m-d", "us": "m/d/Y", "dots": "d.m.Y"}
PLACEHOLDER_YEAR = 2100  # from here on, dates of appointments and assignments mean never
TOO_FAR = "The date is too far in the future."
TIME = "H:i e"  # a time without its zone would be ambiguous, because each person chooses one
EXACT_TIME = "H:i:s e"

_chosen: ContextVar[str] = ContextVar("date_format", default="")


@contextmanager
def written_for(time_zone: str, date_format: str) -> Iterator[None]:
    """Write dates and times in the block in this time zone and format; an empty or unknown one means the program's."""
    outer = _chosen.set(date_format)
    try:
        with timezone.override(_find_zone(time_zone) or timezone.get_default_timezone()):
            yield
    finally:
        _chosen.reset(outer)


def get_date_format() -> str:
    """Return the format of dates, in the letters of Django's filter `date`."""
    return DATE_FORMATS.get(_chosen.get()) or DATE_FORMATS[settings.DEFAULT_DATE_FORMAT]


def list_examples(day: date) -> list[tuple[str, str]]:
    """Return the name of each format, and this day written in it."""
    return [(name, dateformat.format(day, letters)) for name, letters in DATE_FORMATS.items()]


def validate_plausible(day: date | None) -> None:
    """Refuse a date that programs write for "never", such as 31 December 9999."""
    if day and day.year >= PLACEHOLDER_YEAR:
        raise ValidationError(TOO_FAR)


def get_today() -> date:
    """Return the day in the time zone of the program, which decides ages and appointments for everybody alike."""
    return timezone.localdate(timezone=timezone.get_default_timezone())


class PersonalFormat(str):
    """A format whose text is that of the person: Django takes the text when it writes a date.

    To code that does not ask for the text, such as that of JSON, it is the first format.
    """

    def __new__(cls, time: str = "") -> "PersonalFormat":
        format_of_program = super().__new__(cls, f"{DATE_FORMATS['words']}{time and ', '}{time}")
        format_of_program.time = time
        return format_of_program

    time: str

    def __str__(self) -> str:
        return f"{get_date_format()}{self.time and ', '}{self.time}"


def _find_zone(name: str) -> ZoneInfo | None:
    """Return the time zone, or None if the name is empty or the server no longer knows it."""
    try:
        return ZoneInfo(name) if name else None
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return None
