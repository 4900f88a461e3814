from collections.abc import Iterator, Mapping
from functools import cached_property

from healthtrack.roles.table import TOTALS
from reports.charts.declaration import Chart, HeatMap
from reports.charts.rows import HeatCell, HeatRow
from reports.intervals import wilson
from reports.queries.conditions import Condition, Conditions, tracker_use_by_condition
from reports.registry import register
from reports.report import Report
from reports.tables import Cell, Column, Row, figure, percent

ANY_BRAND = "Any brand"
MAX_SHADED = 20


@register
class TrackerUseByCondition(Report):
    name = "conditions"
    title = "Tracker use by medical condition"
    label = "By condition"
    order = 40
    right = TOTALS
    question = "What share of the patients with each condition uses a tracker of each brand?"
    columns = (
        Column("condition", "Condition"),
        Column("brand", "Brand"),
        figure("patients", "Patients"),
        figure("having", "With the condition"),
        figure("share", "Share, %"),
        figure("low", "At least, %"),
        figure("high", "At most, %"),
    )
    published_order = "-having"

    @cached_property
    def use(self) -> Conditions:
        return self.cached("conditions", self.count_by_condition)

    def count_by_condition(self) -> Conditions:
        return tracker_use_by_condition(self.record_filter.qs)

    def rows(self) -> Iterator[Row]:
        for condition in self.use.conditions:
            yield self.row(condition, ANY_BRAND)
            yield from (self.row(condition, brand) for brand in self.use.brands if brand in condition.by_brand)

    def row(self, condition: Condition, brand: str) -> Row:
        patients = self.patients(condition, brand)
        low, high = wilson(patients, condition.patients)
        return (
            Cell(condition.name),
            Cell(brand),
            Cell(patients, self.using(condition, brand)),
            Cell(condition.patients, self.links.get_address(condition=condition.name)),
            Cell(percent(patients, condition.patients)),
            Cell(round(100 * low, 1)),
            Cell(round(100 * high, 1)),
        )

    def patients(self, condition: Condition, brand: str) -> int:
        return condition.with_tracker if brand == ANY_BRAND else condition.by_brand.get(brand, 0)

    def using(self, condition: Condition, brand: str) -> str:
        more = {"linked": "some"} if brand == ANY_BRAND else {"brand": brand}
        return self.links.get_address(condition=condition.name, **more)

    def get_chart(self) -> Chart:
        columns = [ANY_BRAND, *self.use.brands]
        rows = [self.shaded_row(condition, columns) for condition in self.use.conditions[:MAX_SHADED]]
        shows_all = len(self.use.conditions) <= MAX_SHADED
        shown = "each condition" if shows_all else f"each of the {MAX_SHADED} most frequent conditions"
        title = f"Share and number of the patients with {shown}, in %"
        return HeatMap(title, rows, labels=columns, corner="Condition")

    def context(self) -> Mapping[str, object]:
        return {"use": self.use}

    def shaded_row(self, condition: Condition, brands: list[str]) -> HeatRow:
        cells = [
            HeatCell(
                percent(self.patients(condition, brand), condition.patients),
                self.using(condition, brand),
                f"{self.patients(condition, brand):,}",
                is_total=brand == ANY_BRAND,
            )
            for brand in brands
        ]
        return HeatRow(condition.name, cells, self.links.get_address(condition=condition.name))
