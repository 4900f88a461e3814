from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, Q

from patients.age import BANDS, Band
from patients.filters import Records
from patients.models import Gender, MedicalRecord


@dataclass(frozen=True)
class AgeGroup:
    band: Band
    by_gender: Mapping[Gender, int]

    @property
    def ages(self) -> str:
        return str(self.band)

    @property
    def patients(self) -> int:
        return sum(self.by_gender.values())


@dataclass(frozen=True)
class AgeGroups:
    groups: list[AgeGroup]
    not_yet_born: int

    @property
    def patients(self) -> int:
        return sum(group.patients for group in self.groups)


def patients_by_age_group(as_of: date, records: Records | None = None, bands: Sequence[Band] = BANDS) -> AgeGroups:
    """Counted by ranges of the day of birth, and not by an age reckoned for each patient."""
    records = MedicalRecord.objects.all() if records is None else records
    births = {band.alias: born for band in bands if (born := band.births(as_of))}
    rows = (
        records.order_by()
        .values("gender")
        .annotate(
            not_yet_born=Count("date_of_birth", filter=Q(date_of_birth__gt=as_of)),
            **{alias: Count("date_of_birth", filter=born) for alias, born in births.items()},
        )
    )
    counts: dict[str, dict[str, Any]] = {row["gender"]: {**row} for row in rows}
    groups = [
        AgeGroup(band, {gender: counts.get(gender.value, {}).get(band.alias, 0) for gender in Gender}) for band in bands
    ]
    return AgeGroups(
        sorted(groups, key=lambda group: -group.patients), sum(row["not_yet_born"] for row in counts.values())
    )
