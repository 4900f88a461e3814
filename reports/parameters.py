"""What an address may ask of a report, read or refused with a sentence."""

from collections.abc import Collection
from itertools import pairwise

from healthtrack.core.text import shown
from patients.age import BANDS, Band
from patients.filters import MAX_AGE

MOST_BANDS = 20


class ParameterError(ValueError):
    """Names the parameter, its value and the way out."""


def bands_asked(value: str) -> tuple[Band, ...]:
    """The bands that end with these ages, and one for everybody older."""
    if not value.strip():
        return BANDS
    ends = [end.strip() for end in value.split(",")]
    if not all(end.isascii() and end.isdecimal() and len(end) <= 3 for end in ends):
        raise _refused_bands(value, "is not made of ages")
    ages = [int(end) for end in ends]
    if len(ages) > MOST_BANDS or ages[-1] >= MAX_AGE:
        raise _refused_bands(value, f"has more than {MOST_BANDS} ages or one of {MAX_AGE} or more")
    if any(age >= following for age, following in pairwise(ages)):
        raise _refused_bands(value, "does not go upwards")
    starts = [0, *(age + 1 for age in ages)]
    return tuple(Band(start, end) for start, end in zip(starts, [*ages, None], strict=True))


def _refused_bands(value: str, why: str) -> ParameterError:
    return ParameterError(
        f"bands is {shown(value)}, which {why}. Write the last age of each band but the oldest, such as 18,35,50, "
        "or leave it out."
    )


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
