from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Q

from patients.age import BANDS
from patients.models import MedicalRecord


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


def patients_by_age_group(as_of: date) -> AgeGroups:
    """Counted by ranges of the day of birth, which an index holds, and not by an age reckoned for each patient."""
    births = {band.alias: born for band in BANDS if (born := band.births(as_of))}
    counts = MedicalRecord.objects.aggregate(
        not_yet_born=Count("date_of_birth", filter=Q(date_of_birth__gt=as_of)),
        **{alias: Count("date_of_birth", filter=born) for alias, born in births.items()},
    )
    groups = [AgeGroup(str(band), counts.get(band.alias, 0)) for band in BANDS]
    return AgeGroups(sorted(groups, key=lambda group: -group.patients), counts["not_yet_born"])
