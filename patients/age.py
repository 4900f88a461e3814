from dataclasses import dataclass
from datetime import date

from django.db.models import Q


def completed_years(born: date, day: date) -> int:
    """Age on a day; who is born on 29 February turns a year older on 1 March in a common year."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def latest_birth(years: int, as_of: date) -> date | None:
    """The last day of birth of who has completed so many years on the day."""
    if as_of.year - years < date.min.year:
        return None
    try:
        return as_of.replace(year=as_of.year - years)
    except ValueError:
        # 29 February of a common year: who was born on 1 March has the birthday still to come.
        return date(as_of.year - years, 2, 28)


@dataclass(frozen=True)
class Band:
    youngest: int
    oldest: int | None

    def __str__(self) -> str:
        return f"{self.youngest}+" if self.oldest is None else f"{self.youngest}-{self.oldest}"

    def births(self, as_of: date) -> Q | None:
        """The days of birth of who is of these ages on the day; none when they lie before the first year."""
        latest = latest_birth(self.youngest, as_of)
        if latest is None:
            return None
        too_old = None if self.oldest is None else latest_birth(self.oldest + 1, as_of)
        born = Q(date_of_birth__lte=latest)
        return born & Q(date_of_birth__gt=too_old) if too_old else born


BANDS = (Band(0, 18), Band(19, 35), Band(36, 50), Band(51, None))
