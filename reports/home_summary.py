"""The contents of Home. Each part is only for people who may view it.

What is the same for everybody with the same rights is drawn once and cached as HTML, because drawing the charts takes
longer than everything else on the page.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString

from healthtrack.audit.admin_history import VIEW as VIEW_HISTORY
from healthtrack.core.date_formats import get_date_format, get_today
from healthtrack.imports.models import ImportRun
from healthtrack.imports.permissions import get_importers
from reports.caching import Count, cached_stale, read_state
from reports.charts.rows import Bar, Line
from reports.drill_down import DrillDown
from reports.home_counts import HomeCounts
from reports.queries.activity import Times
from reports.recent_activity import get_latest_runs
from reports.registry import reports
from reports.tables import percent
from reports.tasks_of_person import TasksOfPerson

POINTS = 31  # of the line of patients over time
PERIOD = timedelta(days=30)


@dataclass(frozen=True)
class KeyFigure:
    label: str
    text: str
    href: str = ""
    note: str = ""


@dataclass(frozen=True)
class Drawn:
    """The parts of Home that are the same for everybody with the same rights, as HTML."""

    figures: SafeString
    charts: SafeString
    is_empty: bool


class HomeSummary:
    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.user = request.user
        self.today = get_today()

    @cached_property
    def drawn(self) -> Drawn:
        """The key figures and the charts."""
        page = HomeFigures(self)
        return cached_stale(("home", page.rights, self.today), page.draw, self._state).answer

    @cached_property
    def tasks(self) -> TasksOfPerson:
        counts: Count[Sequence[Any]] = cached_stale(("tasks", self.today), lambda: self.counted.tasks, self._state)
        return TasksOfPerson(self.user, counts.answer)

    @cached_property
    def runs(self) -> list[ImportRun]:
        return get_latest_runs(self.user)

    @property
    def counted_at(self) -> datetime:
        return self._count.at

    @property
    def counted(self) -> HomeCounts:
        return self._count.answer

    @cached_property
    def _count(self) -> Count[HomeCounts]:
        return cached_stale(("counts", self.today), lambda: HomeCounts.for_day(self.today), self._state)

    @cached_property
    def _state(self) -> str | None:
        return read_state()


class HomeFigures:
    """Draws the key figures and the charts for people with the same rights as this person."""

    def __init__(self, summary: HomeSummary) -> None:
        self.summary = summary
        self.user = summary.user
        self.links = DrillDown(summary.request, {})
        self.shows_patients = self.links.is_open or self.user.has_perm("reports.view_age_groups")
        self.shows_edits = self.links.is_open and self.user.has_perm(VIEW_HISTORY)
        self.shows_report = {report.name.replace("-", "_"): report.is_open_to(self.user) for report in reports()}
        self.views_all_imports = self.user.has_perm("imports.view_importrun")
        self.importers = () if self.views_all_imports else tuple(get_importers(self.user))

    @property
    def rights(self) -> tuple[object, ...]:
        """Everything in which what is drawn differs between people: rights, and how they write dates."""
        return (
            *(self.links.is_open, self.shows_patients, self.shows_edits, self.views_all_imports, self.importers),
            *self.shows_report.values(),
            *(timezone.get_current_timezone_name(), get_date_format()),
        )

    def draw(self) -> Drawn:
        """Return the parts as HTML."""
        context = {"page": self}
        return Drawn(
            render_to_string("reports/home-figures.html", context),
            render_to_string("reports/home-charts.html", context),
            is_empty=not (self.figures or any(self.shows_report.values())),
        )

    @property
    def counted(self) -> HomeCounts:
        return self.summary.counted

    @property
    def counted_at(self) -> datetime:
        return self.summary.counted_at

    @cached_property
    def figures(self) -> list[KeyFigure]:
        return [*self._get_patient_figures(), *self._get_activity_figures()]

    def _get_patient_figures(self) -> Iterator[KeyFigure]:
        if not self.shows_patients:
            return
        change = self.counted.growth.get_change_since(self.summary.today - PERIOD)
        yield KeyFigure("Patients", f"{self.counted.patients:,}", self.links.list, _describe_change(change))
        if self.counted.patients:
            share = f"{percent(self.counted.with_tracker, self.counted.patients)} %"
            note = f"{self.counted.with_tracker:,} patients"
            if earlier := self.counted.earlier_tracked:
                change = self.counted.with_tracker - earlier.patients
                note = f"{note}, {_describe_change(change, earlier.days)}"
            yield KeyFigure("With a tracker", share, self.links.get_address(linked="some"), note)

    def _get_activity_figures(self) -> Iterator[KeyFigure]:
        if self.shows_edits:
            yield _compare("Patients edited in 30 days", self.counted.edited, reverse("changes"))
        if self.views_all_imports or self.importers:
            counts = [
                times
                for importer, times in self.counted.imports.items()
                if self.views_all_imports or importer in self.importers
            ]
            total = Times(sum(times.now for times in counts), sum(times.before for times in counts))
            yield _compare("Imports in 30 days", total, reverse("admin:imports_importrun_changelist"))

    @cached_property
    def over_time(self) -> tuple[Sequence[str], Sequence[Line]]:
        """The days, and the line of the number of patients on them."""
        series = self.counted.growth.get_series(self.summary.today, POINTS)
        return [date_format(day) for day, _ in series], [Line("", [patients for _, patients in series])]

    @cached_property
    def ages(self) -> Sequence[Bar]:
        """The age groups in their natural order."""
        groups = sorted(self.counted.ages.groups, key=lambda group: group.band.youngest)
        return [self._bar(group.ages, group.patients, self.links.get_age_address(group.band)) for group in groups]

    @cached_property
    def brands(self) -> Sequence[Bar]:
        return [
            self._bar(brand.name, brand.patients, self.links.get_address(brand=brand.name))
            for brand in self.counted.brands
        ]

    @cached_property
    def tracked(self) -> Sequence[Bar]:
        """The patients with a tracker, and those without by the reason."""
        counted = self.counted
        not_reported = counted.unlinked.patients - counted.unlinked.reported
        bars = (
            ("With a tracker", counted.with_tracker, "some"),
            ("No tracker reported", not_reported, "unstated"),
            ("Reported tracker not matched", counted.unlinked.reported, "unmatched"),
        )
        shown = bars if counted.patients else ()
        return [self._bar(label, patients, self.links.get_address(linked=linked)) for label, patients, linked in shown]

    def _bar(self, label: str, patients: int, href: str) -> Bar:
        return Bar(label, patients, href, f"{percent(patients, self.counted.patients)} %")


def _describe_change(change: int, days: int = PERIOD.days) -> str:
    """Return by how much a number changed in so many days, in words."""
    period = "since yesterday" if days == 1 else f"in {days} days"
    sign = {True: "+", False: "−"}[change > 0]  # noqa: RUF001 (a minus sign is as wide as a plus sign)
    return f"{sign}{abs(change):,} {period}" if change else f"unchanged {period}"


def _compare(label: str, times: Times, href: str) -> KeyFigure:
    return KeyFigure(label, f"{times.now:,}", href, f"{times.before:,} in the 30 days before")
