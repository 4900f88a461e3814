"""What an address may ask of a report, read or refused with a sentence."""

from collections.abc import Collection
from datetime import date

from django.utils import timezone

from healthtrack.sentences import shown


class ParameterError(ValueError):
    """Names the parameter, its value and the way out."""


def day_asked(value: str) -> date:
    if not value:
        return timezone.localdate()
    try:
        day = date.fromisoformat(value)
    except ValueError:
        day = None
    if day is None or day.isoformat() != value:
        raise ParameterError(
            f"as_of is {shown(value)}, which is not a day. "
            "Write it as year-month-day, such as 2024-12-31, or leave it out to ask for today."
        )
    return day


def format_asked(value: str, formats: Collection[str]) -> str:
    if value and value not in formats:
        raise ParameterError(
            f"format is {shown(value)}, which this report is not made in. "
            f"Write {' or '.join(formats)}, or leave it out to see the page."
        )
    return value


def page_asked(value: str, pages: int) -> tuple[int, str]:
    """The page nearest to the one asked for, and a sentence when it is another."""
    if not value:
        return 1, ""
    try:
        asked = int(value)
    except ValueError:
        return 1, f"page is {shown(value)}, which is not a number. This is the first of {pages} pages."
    nearest = min(max(asked, 1), pages)
    if nearest == asked:
        return nearest, ""
    return nearest, f"page is {shown(value)}, and the pages go from 1 to {pages}. This is the nearest one."
