from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from django.utils.http import urlencode

from healthtrack.roles.table import TOTALS
from reports.charts.declaration import BarChart, Chart
from reports.charts.rows import Bar
from reports.queries.brands import Brand, Brands, Model, patients_by_brand
from reports.registry import register
from reports.report import Report
from reports.tables import Cell, Column, Row, figure, percent

MAX_BARS = 20
COUNTS = (figure("patients", "Patients"), figure("share", "Share, %"))


@register
class PatientsByBrand(Report):
    """Patients by brand or, if the filters select one brand, by its models."""

    name = "brands"
    title = "Patients by tracker brand"
    label = "By brand"
    order = 30
    right = TOTALS
    question = "How many patients use a tracker of each brand?"
    published_order = "-patients"

    @property
    def columns(self) -> Sequence[Column]:  # type: ignore[override]  # depends on the request
        if self.selected_brand:
            return Column("model", "Model"), Column("type", "Device type"), *COUNTS
        return Column("brand", "Brand"), *COUNTS

    @property
    def selected_brand(self) -> str:
        return self.record_filter.get_active_value("brand")

    @cached_property
    def use(self) -> Brands:
        return self.cached("brands", self.count_by_brand)

    def count_by_brand(self) -> Brands:
        return patients_by_brand(self.record_filter.qs)

    @cached_property
    def brand(self) -> Brand | None:
        return next((brand for brand in self.use.brands if brand.name.lower() == self.selected_brand.lower()), None)

    @property
    def counted(self) -> Sequence[Brand] | Sequence[Model]:
        if self.selected_brand:
            return self.brand.models if self.brand else []
        return self.use.brands

    def patients(self, counted: Brand | Model) -> str:
        if isinstance(counted, Model):
            return self.links.get_address(tracker_model=counted.model_id)
        return self.links.get_address(brand=counted.name)

    def models(self, brand: Brand) -> str:
        return f"?{urlencode({**self.record_filter.active_values, 'brand': brand.name}, doseq=True)}"

    def rows(self) -> Iterator[Row]:
        for counted in self.counted:
            first = (
                (Cell(counted.name), Cell(counted.device_type))
                if isinstance(counted, Model)
                else (Cell(counted.name, self.models(counted)),)
            )
            share = percent(counted.patients, self.use.patients)
            yield (*first, Cell(counted.patients, self.patients(counted)), Cell(share))

    def totals(self) -> Sequence[Row]:
        once = Cell(self.use.patients, self.links.get_address(linked="some"))
        first = (Cell("Total, each patient once"), *([Cell("")] if self.selected_brand else []))
        return [(*first, once, Cell(percent(self.use.patients, self.use.patients)))]

    def get_chart(self) -> Chart:
        bars = [
            Bar(
                counted.name,
                counted.patients,
                self.patients(counted),
                f"{percent(counted.patients, self.use.patients)} %",
            )
            for counted in self.counted[:MAX_BARS]
        ]
        counted = "model" if self.selected_brand else "brand"
        shows_all = len(self.counted) <= MAX_BARS
        title = f"Patients by {counted}" if shows_all else f"The {MAX_BARS} most used {counted}s"
        return BarChart(title, bars, f"Each bar is a {counted} and links to its patients.")

    def context(self) -> Mapping[str, object]:
        return {"use": self.use, "brand": self.selected_brand}
