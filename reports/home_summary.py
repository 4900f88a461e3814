"""The contents of Home. Each part is only for people who may view it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from healthtrack.core.date_formats import get_today
from healthtrack.imports import registry
from healthtrack.imports.models import ImportRun
from patients.filters import RecordFilter
from reports.caching import Count, cached_stale
from reports.charts.rows import Bar, Part, StackedBar
from reports.drill_down import DrillDown
from reports.queries.age_groups import AgeGroups, patients_by_age_group
from reports.queries.brands import Brands, patients_by_brand
from reports.queries.without_tracker import count_patients_without_tracker
from reports.recent_activity import get_last_import, get_latest_runs
from reports.tasks_of_person import TasksOfPerson, count_for_everybody
from trackers.models import FitnessTracker, TrackerModel

BRANDS_SHOWN = 5


@dataclass(frozen=True)
class KeyFigure:
    label: str
    text: str
    href: str = ""
    note: str = ""


@dataclass(frozen=True)
class HomeCounts:
    """All figures that Home counts, cached together."""

    ages: AgeGroups
    without_tracker: int
    use: Brands
    models: int
    variants: int
    tasks: Sequence[Any]

    @classmethod
    def for_day(cls, day: date) -> "HomeCounts":
        return cls(
            ages=patients_by_age_group(day),
            without_tracker=count_patients_without_tracker(),
            use=patients_by_brand(),
            models=TrackerModel.objects.count(),
            variants=FitnessTracker.objects.count(),
            tasks=count_for_everybody(),
        )

    @property
    def patients(self) -> int:
        return self.ages.patients + self.ages.not_yet_born

    @property
    def with_tracker(self) -> int:
        return self.patients - self.without_tracker


class HomeSummary:
    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.user = request.user
        self.links = DrillDown(request, RecordFilter({}))

    @cached_property
    def figures(self) -> list[KeyFigure]:
        return [*self._get_patient_figures(), *self._get_tracker_figures(), *self._get_import_figures()]

    @cached_property
    def tasks(self) -> TasksOfPerson:
        return TasksOfPerson(self.user, self._counted.tasks)

    @cached_property
    def runs(self) -> list[ImportRun]:
        return get_latest_runs(self.user)

    @cached_property
    def ages(self) -> Sequence[Bar]:
        return [
            Bar(group.ages, group.patients, self.links.get_age_address(group.band))
            for group in self._counted.ages.groups
        ]

    @cached_property
    def tracked(self) -> Sequence[StackedBar]:
        counted = self._counted
        parts = [
            Part("With a tracker", counted.with_tracker, self.links.get_address(linked="some")),
            Part("Without", counted.without_tracker, self.links.get_address(linked="none")),
        ]
        return [StackedBar("All patients", parts)] if counted.patients else []

    @cached_property
    def brands(self) -> Sequence[Bar]:
        shown = self._counted.use.brands[:BRANDS_SHOWN]
        return [Bar(brand.name, brand.patients, self.links.get_address(brand=brand.name)) for brand in shown]

    @property
    def other_brands(self) -> int:
        return max(len(self._counted.use.brands) - BRANDS_SHOWN, 0)

    def _get_patient_figures(self) -> Iterator[KeyFigure]:
        if not (self.links.is_open or self.user.has_perm("reports.view_age_groups")):
            return
        yield KeyFigure("Patients", f"{self._counted.patients:,}", self.links.list)
        if self._counted.patients:
            share = f"{100 * self._counted.with_tracker / self._counted.patients:.1f} %"
            note = f"{self._counted.with_tracker:,} patients"
            yield KeyFigure("With a tracker", share, self.links.get_address(linked="some"), note)

    def _get_tracker_figures(self) -> Iterator[KeyFigure]:
        if self.user.has_perm("trackers.view_trackermodel"):
            href = reverse("admin:trackers_trackermodel_changelist")
            yield KeyFigure("Tracker models", f"{self._counted.models:,}", href)
        if self.user.has_perm("trackers.view_fitnesstracker"):
            href = reverse("admin:trackers_fitnesstracker_changelist")
            yield KeyFigure("Variants", f"{self._counted.variants:,}", href)

    def _get_import_figures(self) -> Iterator[KeyFigure]:
        if run := get_last_import(self.user, self.runs):
            day = date_format(timezone.localtime(run.finished_at))
            yield KeyFigure("Last import", day, _get_run_address(run), registry.get(run.importer).label)

    @property
    def counted_at(self) -> datetime:
        return self._count.at

    @property
    def _counted(self) -> HomeCounts:
        return self._count.answer

    @cached_property
    def _count(self) -> Count[HomeCounts]:
        today = get_today()
        return cached_stale(f"overview:{today}", lambda: HomeCounts.for_day(today))


def _get_run_address(run: ImportRun) -> str:
    return reverse("admin:imports_importrun_change", args=[run.pk])
