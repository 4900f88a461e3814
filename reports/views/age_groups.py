from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property

from healthtrack.roles.table import TOTALS
from patients.age import BANDS, Band
from patients.models import Gender
from reports.charts.declaration import Chart, StackedChart
from reports.charts.rows import Part, StackedBar
from reports.parameters import parse_bands
from reports.queries.age_groups import AgeGroup, AgeGroups, patients_by_age_group
from reports.registry import register
from reports.report import Report
from reports.tables import Cell, Column, Row, figure, percent


@register
class PatientsByAgeGroup(Report):
    name = "age-groups"
    title = "Patients by age group"
    label = "By age group"
    order = 10
    right = TOTALS
    question = "How old are the patients?"
    columns = (
        Column("ages", "Age group"),
        figure("patients", "Patients"),
        figure("share", "Share, %"),
        *(figure(gender.label.lower(), gender.label) for gender in Gender),
    )
    published_order = "ages"
    extra_parameters = ("bands",)

    published_bands = ",".join(str(band.oldest) for band in BANDS[:-1])

    def get_readers(self) -> Sequence[Callable[[], object]]:
        return [*super().get_readers(), lambda: self.bands]

    @cached_property
    def bands(self) -> tuple[Band, ...]:
        return parse_bands(self.request.GET.get("bands", ""))

    @cached_property
    def ages(self) -> AgeGroups:
        return self.cached("ages", self.count_by_age, self.bands)

    def count_by_age(self) -> AgeGroups:
        return patients_by_age_group(self.as_of, self.record_filter.qs, self.bands)

    @cached_property
    def youngest_first(self) -> Sequence[AgeGroup]:
        """Return the groups in their natural order."""
        return sorted(self.ages.groups, key=lambda group: group.band.youngest)

    def rows(self) -> Iterator[Row]:
        for group in self.youngest_first:
            yield (
                Cell(group.band),
                Cell(group.patients, self.links.get_age_address(group.band)),
                Cell(percent(group.patients, self.ages.patients)),
                *(
                    Cell(patients, self.links.get_age_address(group.band, gender=gender.value))
                    for gender, patients in group.by_gender.items()
                ),
            )

    def totals(self) -> Sequence[Row]:
        by_gender = (sum(group.by_gender[gender] for group in self.ages.groups) for gender in Gender)
        return [
            (
                Cell("Total"),
                Cell(self.ages.patients),
                Cell(percent(self.ages.patients, self.ages.patients)),
                *map(Cell, by_gender),
            )
        ]

    def get_chart(self) -> Chart:
        bars = [self.bar(group) for group in self.youngest_first]
        description = "Each bar is an age group, and each of its parts a gender."
        return StackedChart("Patients by age and gender", bars, description)

    @cached_property
    def found_genders(self) -> Sequence[Gender]:
        """Return the genders that the legend names: those of some patients."""
        return [gender for gender in Gender if any(group.by_gender[gender] for group in self.ages.groups)]

    def context(self) -> Mapping[str, object]:
        return {"ages": self.ages}

    def bar(self, group: AgeGroup) -> StackedBar:
        parts = [
            Part(gender.label, group.by_gender[gender], self.links.get_age_address(group.band, gender=gender.value))
            for gender in self.found_genders
        ]
        return StackedBar(group.ages, parts)
