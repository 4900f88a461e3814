"""All figures that Home counts, the same for everybody, cached together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from reports.queries.activity import Times, count_edited_patients, count_imports
from reports.queries.age_groups import AgeGroups, patients_by_age_group
from reports.queries.brands import Brand, patients_by_brand
from reports.queries.growth import Growth, count_growth
from reports.queries.tracked import Earlier, read_earlier
from reports.queries.without_tracker import Unlinked, count_unlinked
from reports.tasks_of_person import count_for_everybody

BRANDS_SHOWN = 5


@dataclass(frozen=True)
class HomeCounts:
    ages: AgeGroups
    unlinked: Unlinked
    brands: Sequence[Brand]
    other_brands: int
    growth: Growth
    earlier_tracked: Earlier | None
    edited: Times
    imports: Mapping[str, Times]  # by importer
    tasks: Sequence[Any]

    @classmethod
    def for_day(cls, day: date) -> "HomeCounts":
        """Count everything; ages and periods end on this day."""
        ages = patients_by_age_group(day)
        brands = patients_by_brand().brands
        return cls(
            ages=ages,
            unlinked=count_unlinked(),
            brands=brands[:BRANDS_SHOWN],
            other_brands=len(brands[BRANDS_SHOWN:]),
            growth=count_growth(ages.patients + ages.not_yet_born),
            earlier_tracked=read_earlier(day),
            edited=count_edited_patients(),
            imports=count_imports(),
            tasks=count_for_everybody(),
        )

    @property
    def patients(self) -> int:
        return self.growth.patients

    @property
    def with_tracker(self) -> int:
        return self.patients - self.unlinked.patients
