from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Q

from patients.models import MedicalRecord


@dataclass(frozen=True)
class Band:
    youngest: int
    oldest: int | None

    def __str__(self) -> str:
        return f"{self.youngest}+" if self.oldest is None else f"{self.youngest}-{self.oldest}"

    @property
    def alias(self) -> str:
        return f"from_{self.youngest}"

    def births(self, as_of: date) -> Q | None:
        """The days of birth of who is of these ages on the day; none when they lie before the first year."""
        latest = latest_birth(self.youngest, as_of)
        if latest is None:
            return None
        too_old = None if self.oldest is None else latest_birth(self.oldest + 1, as_of)
        born = Q(date_of_birth__lte=latest)
        return born & Q(date_of_birth__gt=too_old) if too_old else born


BANDS = (Band(0, 18), Band(19, 35), Band(36, 50), Band(51, None))


@dataclass(frozen=True)
class AgeGroup:
    ages: str
    patients: int


@dataclass(frozen=True)
class AgeGroups:
    groups: list[AgeGroup]
    not_yet_born: int

    @property
    def patients(self) -> int:
        return sum(group.patients for group in self.groups)


def latest_birth(years: int, as_of: date) -> date | None:
    """The last day of birth of who has completed so many years on the day."""
    if as_of.year - years < date.min.year:
        return None
    try:
        return as_of.replace(year=as_of.year - years)
    except ValueError:
        # 29 February of a common year: who was born on 1 March has the birthday still to come.
        return date(as_of.year - years, 2, 28)


def patients_by_age_group(as_of: date) -> AgeGroups:
    """Counted by ranges of the day of birth, which an index holds, and not by an age reckoned for each patient."""
    births = {band.alias: born for band in BANDS if (born := band.births(as_of))}
    counts = MedicalRecord.objects.aggregate(
        not_yet_born=Count("date_of_birth", filter=Q(date_of_birth__gt=as_of)),
        **{alias: Count("date_of_birth", filter=born) for alias, born in births.items()},
    )
    groups = [AgeGroup(str(band), counts.get(band.alias, 0)) for band in BANDS]
    return AgeGroups(sorted(groups, key=lambda group: -group.patients), counts["not_yet_born"])
