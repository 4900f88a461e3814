"""Ages in completed years, and the dates of birth that belong to them."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Q

MAX_AGE = 130  # nobody is older, so the date is wrong
TOO_LONG_AGO = f"The date of birth is more than {MAX_AGE} years ago."


def completed_years(born: date, day: date) -> int:
    """Return the age in completed years on a day; -1 and less before birth.

    People born on 29 February have their birthday on 1 March in a common year.
    """
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def get_latest_birth_date(years: int, as_of: date) -> date | None:
    """Return the latest date of birth of a person of at least this age on a day; None if it is before the year 1."""
    if as_of.year - years < date.min.year:
        return None
    try:
        return as_of.replace(year=as_of.year - years)
    except ValueError:
        # There is no 29 February in that year. People born on 1 March still have their birthday to come.
        return date(as_of.year - years, 2, 28)


@dataclass(frozen=True)
class Band:
    """A group of ages in completed years, both ends included; without an oldest age it is open."""

    youngest: int
    oldest: int | None

    def __str__(self) -> str:
        return f"{self.youngest}+" if self.oldest is None else f"{self.youngest}-{self.oldest}"

    def births(self, as_of: date) -> Q | None:
        """Return the condition that records of these ages on a day meet; None if nobody can be that old."""
        latest = get_latest_birth_date(self.youngest, as_of)
        if latest is None:
            return None
        too_old = None if self.oldest is None else get_latest_birth_date(self.oldest + 1, as_of)
        born = Q(date_of_birth__lte=latest)
        return born & Q(date_of_birth__gt=too_old) if too_old else born


BANDS = (Band(0, 18), Band(19, 35), Band(36, 50), Band(51, None))
