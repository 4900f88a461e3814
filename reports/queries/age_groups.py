from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from django.db.models import Count, Q

from healthtrack.core.database.planner_settings import planner_settings
from healthtrack.core.replicas.routing import reading
from patients.age import BANDS, Band
from patients.filters.records import Records
from patients.models import Gender, MedicalRecord
from reports.queries import is_everybody

UNBORN = "unborn"
# Starting parallel workers takes longer than to count 20,000 patients. They pay off from five times as many.
_PARALLEL_SETUP_COST = 3000
Counts: TypeAlias = Mapping[tuple[str, str], int]  # by name of the group, and gender


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
    """Count patients by age group on this day, most patients first.

    Ranges of the date of birth are counted, which an index supports, instead of each patient's age.
    """
    records = MedicalRecord.objects.all() if records is None else records
    births = {str(band): born for band in bands if (born := band.births(as_of))} | {UNBORN: Q(date_of_birth__gt=as_of)}
    # Without filters, an index answers each range by itself. With filters, one query for all ranges is faster.
    counts = (_count_by_range if is_everybody(records) else _count_at_once)(records, births)
    groups = [AgeGroup(band, {gender: counts.get((str(band), gender.value), 0) for gender in Gender}) for band in bands]
    return AgeGroups(
        sorted(groups, key=lambda group: -group.patients),
        sum(counts.get((UNBORN, gender.value), 0) for gender in Gender),
    )


def _count_by_range(records: Records, births: Mapping[str, Q]) -> Counts:
    parts, values = [], []
    for name, born in births.items():
        part, arguments = records.filter(born).order_by().values("gender").query.sql_with_params()
        for gender in Gender:
            parts.append(f"SELECT %s, %s, count(*) FROM ({part}) AS part WHERE gender = %s")  # noqa: S608 (the SQL of a queryset)
            values += [name, gender.value, *arguments, gender.value]
    with planner_settings(reading(), parallel_setup_cost=_PARALLEL_SETUP_COST), reading().cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), values)
        return {(name, gender): patients for name, gender, patients in cursor.fetchall()}


def _count_at_once(records: Records, births: Mapping[str, Q]) -> Counts:
    counts = {f"born_{place}": Count("date_of_birth", filter=born) for place, born in enumerate(births.values())}
    rows = records.order_by().values("gender").annotate(**counts).values_list("gender", *counts)
    return {
        (name, gender): patients
        for gender, *of_gender in rows
        for name, patients in zip(births, of_gender, strict=True)
    }
