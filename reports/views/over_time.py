from calendar import monthrange
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property

from healthtrack.core.date_formats import get_today
from healthtrack.roles.table import TOTALS
from reports.charts.declaration import Chart, LineChart
from reports.charts.rows import Line
from reports.grouping import MAY_OVERLAP, GroupedReport, get_group_filter, get_group_label
from reports.registry import register
from reports.tables import Cell, Column, Row, figure

MAX_GROUPS = 8  # in the table, and as colors in the chart
MAX_MONTHS_DRAWN = 36
MAX_MONTHS = 1200


@register
class PatientsOverTime(GroupedReport):
    name = "over-time"
    title = "Patients added over time"
    label = "Over time"
    order = 60
    right = TOTALS
    question = "How many of today's patients were added in each month?"
    default_grouping = "source"
    published_order = "-month"

    @property
    def columns(self) -> Sequence[Column]:  # type: ignore[override]  # depends on the request
        groups = (figure(f"group{number}", label) for number, label in enumerate(self.labels, 1))
        return Column("month", "Month"), figure("patients", "Patients added"), *groups

    @cached_property
    def groups(self) -> Mapping[str, Counter[date]]:
        """The largest groups, with their patients by month."""
        groups = self.added_by_group.groups
        return {group: _by_month(groups[group]) for group in list(groups)[:MAX_GROUPS]}

    @property
    def labels(self) -> Sequence[str]:
        return [get_group_label(self.grouping, group) for group in self.groups]

    @cached_property
    def totals_by_month(self) -> Counter[date]:
        return _by_month(self.added.total)

    @cached_property
    def months(self) -> Sequence[date]:
        """Every month from the first with a patient to this one, the latest first."""
        first = min(self.totals_by_month, default=None)
        if first is None:
            return []
        last = max([get_today().replace(day=1), *self.totals_by_month])
        count = (last.year - first.year) * 12 + last.month - first.month + 1
        return [_go_back(last, months) for months in range(min(count, MAX_MONTHS))]

    def rows(self) -> Iterator[Row]:
        for month in self.months:
            yield (
                Cell(f"{month:%Y-%m}", shown=f"{month:%b %Y}"),
                Cell(self.totals_by_month[month], self.get_patients(month)),
                *(
                    Cell(counted[month], self.get_patients(month, group) if self.grouping != "source" else "")
                    for group, counted in self.groups.items()
                ),
            )

    def get_patients(self, month: date, group: str = "") -> str:
        """Return the address of the patients who were added in a month."""
        last = month.replace(day=monthrange(month.year, month.month)[1])
        more = get_group_filter(self.grouping, group) if group else {}
        return self.links.get_address(added_after=month.isoformat(), added_before=last.isoformat(), **more)

    def totals(self) -> Sequence[Row]:
        groups = (Cell(counted.total()) for counted in self.groups.values())
        return [(Cell("Total"), Cell(self.totals_by_month.total()), *groups)]

    def get_chart(self) -> Chart:
        drawn = self.months[:MAX_MONTHS_DRAWN][::-1]
        lines = [
            Line(label, [counted[month] for month in drawn])
            for label, counted in zip(self.labels, self.groups.values(), strict=True)
        ]
        shows_all = len(drawn) == len(self.months)
        title = "Patients added by month" if shows_all else f"Patients added in each of the last {len(drawn)} months"
        description = "Each line is a group of patients, and each point a month."
        return LineChart(title, lines if drawn else [], description, labels=[f"{month:%b %Y}" for month in drawn])

    def context(self) -> Mapping[str, object]:
        return {
            "months": self.months,
            "unknown": self.added.unknown,
            "may_overlap": self.grouping in MAY_OVERLAP,
        }


def _by_month(days: Mapping[date, int]) -> Counter[date]:
    """Return the patients by the first day of the month."""
    months = Counter[date]()
    for day, patients in days.items():
        months[day.replace(day=1)] += patients
    return months


def _go_back(month: date, months: int) -> date:
    years, place = divmod(month.year * 12 + month.month - 1 - months, 12)
    return date(years, place + 1, 1)
