from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from django.utils.formats import date_format

from healthtrack.core.date_formats import get_today
from healthtrack.roles.table import TOTALS
from reports.charts.declaration import BarChart, Chart
from reports.charts.rows import Bar
from reports.grouping import MAY_OVERLAP, GroupedReport, get_group_filter, get_group_label
from reports.parameters import ParameterError, parse_day
from reports.registry import register
from reports.tables import Cell, Column, Row, figure, percent

DAYS = 30
MAX_BARS = 20
LABELS = {
    "first_from": "First period from",
    "first_to": "First period to",
    "second_from": "Second period from",
    "second_to": "Second period to",
}


@dataclass(frozen=True)
class Period:
    first: date
    last: date

    def __str__(self) -> str:
        return f"{date_format(self.first)} to {date_format(self.last)}"

    def count(self, days: Mapping[date, int]) -> int:
        """Return the patients of the days in the period."""
        return sum(patients for day, patients in days.items() if self.first <= day <= self.last)


@dataclass(frozen=True)
class PeriodField:
    name: str
    label: str
    value: str
    error: str


@register
class ComparisonOfPeriods(GroupedReport):
    name = "comparison"
    title = "Comparison of two periods"
    label = "Two periods"
    order = 70
    right = TOTALS
    question = "How many of today's patients were added in one period, compared with another?"
    default_grouping = "brand"
    published_order = "-second"
    extra_parameters = ("by", *LABELS)

    def get_readers(self) -> Sequence[Callable[[], object]]:
        return [lambda: self.first, lambda: self.second, *super().get_readers()]

    @property
    def columns(self) -> Sequence[Column]:  # type: ignore[override]  # depends on the request
        return (
            Column("group", "Group"),
            figure("first", str(self.first)),
            figure("second", str(self.second)),
            figure("change", "Change"),
            figure("percent", "Change, %"),
        )

    @property
    def periods(self) -> Sequence[PeriodField]:
        """The fields of the form, each with the value of the address or, without one, the day that is used."""
        return [
            PeriodField(name, label, self._get_text(name), self.errors.get(name, "")) for name, label in LABELS.items()
        ]

    @cached_property
    def second(self) -> Period:
        return self._parse_period("second")

    @cached_property
    def first(self) -> Period:
        return self._parse_period("first")

    @property
    def default_days(self) -> Mapping[str, date]:
        """The last 30 days, and the 30 days before."""
        today = get_today()
        days = {"second_to": 0, "second_from": DAYS - 1, "first_to": DAYS, "first_from": 2 * DAYS - 1}
        return {name: today - timedelta(days=back) for name, back in days.items()}

    def _get_text(self, name: str) -> str:
        return self.request.GET.get(name, "").strip() or self.default_days[name].isoformat()

    def _parse_period(self, name: str) -> Period:
        names = (f"{name}_from", f"{name}_to")
        first, last = (parse_day(each, LABELS[each], self._get_text(each)) for each in names)
        if first > last:
            labels = [LABELS[each] for each in names]
            raise ParameterError(names[0], f"“{labels[0]}” ({first}) must not be after “{labels[1]}” ({last}).")
        return Period(first, last)

    @property
    def groups(self) -> Mapping[str, Counter[date]]:
        return self.added_by_group.groups

    def rows(self) -> Iterator[Row]:
        rows = [self.row(group, days) for group, days in self.groups.items()]
        counted = [row for row in rows if row[1].value or row[2].value]
        return iter(sorted(counted, key=lambda row: row[2].sort_key, reverse=True))

    def row(self, group: str, days: Mapping[date, int], *, is_total: bool = False) -> Row:
        before, after = self.first.count(days), self.second.count(days)
        by = {} if is_total else get_group_filter(self.grouping, group)
        has_filter = is_total or self.grouping != "source"
        return (
            Cell(group if is_total else get_group_label(self.grouping, group)),
            Cell(before, self.get_patients(self.first, by) if has_filter else ""),
            Cell(after, self.get_patients(self.second, by) if has_filter else ""),
            Cell(after - before),
            Cell(percent(after - before, before) if before else "new"),
        )

    def get_patients(self, period: Period, by: Mapping[str, str]) -> str:
        """Return the address of the patients who were added in a period."""
        days = {"added_after": period.first.isoformat(), "added_before": period.last.isoformat()}
        return self.links.get_address(**days, **by)

    def totals(self) -> Sequence[Row]:
        return [self.row("All patients added, each once", self.added.total, is_total=True)]

    def get_chart(self) -> Chart:
        rows = [*self.rows()][:MAX_BARS]
        bars = [Bar(row[0].text, self._get_count(row), row[2].href, f"before {row[1].text}") for row in rows]
        return BarChart(f"Patients added {self.second}", bars, "Each bar is a group of patients and links to them.")

    def context(self) -> Mapping[str, object]:
        return {"unknown": self.added.unknown, "may_overlap": self.grouping in MAY_OVERLAP}

    def _get_count(self, row: Row) -> int:
        return int(row[2].value) if isinstance(row[2].value, int) else 0
