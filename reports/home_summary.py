"""What the home page shows at a glance; each part only to people who may see it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from healthtrack.imports import heartbeat, registry
from healthtrack.imports.models import ImportRun, State
from healthtrack.roles import emergency
from patients.filters import RecordFilter
from patients.naming import ToSettle, names_to_settle
from reports.caching import Count, cached_stale
from reports.charts.rows import Bar, Part, StackedBar
from reports.drill_down import DrillDown
from reports.queries.age_groups import AgeGroups, patients_by_age_group
from reports.queries.brands import Brands, patients_by_brand
from reports.queries.without_tracker import count_patients_without_tracker
from reports.recent_activity import last_applied, latest_runs, runs_needing_attention
from trackers.models import FitnessTracker, TrackerModel

BRANDS_SHOWN = 5
_FATES = {
    State.CHECKED: "is checked, and waits for a word whether to import it",
    State.QUESTIONS: "can be read in several ways, and waits for answers",
}


@dataclass(frozen=True)
class KeyFigure:
    label: str
    text: str
    href: str = ""
    note: str = ""


@dataclass(frozen=True)
class Task:
    """Something that waits for a person, and where it is done."""

    sentence: str
    action: str
    href: str


@dataclass(frozen=True)
class Counted:
    ages: AgeGroups
    without_tracker: int
    use: Brands
    models: int
    variants: int
    to_settle: ToSettle

    @classmethod
    def on(cls, day: date) -> "Counted":
        return cls(
            ages=patients_by_age_group(day),
            without_tracker=count_patients_without_tracker(),
            use=patients_by_brand(),
            models=TrackerModel.objects.count(),
            variants=FitnessTracker.objects.count(),
            to_settle=names_to_settle(),
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
        return [*self._of_patients(), *self._of_trackers(), *self._of_last_import()]

    @cached_property
    def tasks(self) -> list[Task]:
        return [*self._of_emergencies(), *self._of_runs(), *self._of_names(), *self._of_no_patients()]

    @cached_property
    def runs(self) -> list[ImportRun]:
        return latest_runs(self.user)

    @cached_property
    def ages(self) -> Sequence[Bar]:
        return [Bar(group.ages, group.patients, self.links.to_ages(group.band)) for group in self._counted.ages.groups]

    @cached_property
    def tracked(self) -> Sequence[StackedBar]:
        counted = self._counted
        parts = [
            Part("With a tracker", counted.with_tracker, self.links.to(linked="some")),
            Part("Without", counted.without_tracker, self.links.to(linked="none")),
        ]
        return [StackedBar("All patients", parts)] if counted.patients else []

    @cached_property
    def brands(self) -> Sequence[Bar]:
        shown = self._counted.use.brands[:BRANDS_SHOWN]
        return [Bar(brand.name, brand.patients, self.links.to(brand=brand.name)) for brand in shown]

    @property
    def other_brands(self) -> int:
        return max(len(self._counted.use.brands) - BRANDS_SHOWN, 0)

    def _of_patients(self) -> Iterator[KeyFigure]:
        if not (self.links.is_open or self.user.has_perm("reports.view_age_groups")):
            return
        yield KeyFigure("Patients", f"{self._counted.patients:,}", self.links.list)
        if self._counted.patients:
            share = f"{100 * self._counted.with_tracker / self._counted.patients:.1f} %"
            note = f"{self._counted.with_tracker:,} patients"
            yield KeyFigure("With a tracker", share, self.links.to(linked="some"), note)

    def _of_trackers(self) -> Iterator[KeyFigure]:
        if self.user.has_perm("trackers.view_trackermodel"):
            href = reverse("admin:trackers_trackermodel_changelist")
            yield KeyFigure("Tracker models", f"{self._counted.models:,}", href)
        if self.user.has_perm("trackers.view_fitnesstracker"):
            href = reverse("admin:trackers_fitnesstracker_changelist")
            yield KeyFigure("Variants", f"{self._counted.variants:,}", href)
        if self._sees_names:
            names, or_more = self._counted.to_settle
            yield KeyFigure("Names to settle", f"{names:,}{' or more' * or_more}", reverse("tracker-names:list"))

    def _of_last_import(self) -> Iterator[KeyFigure]:
        if run := last_applied(self.user):
            day = date_format(timezone.localtime(run.finished_at), "j M Y")
            yield KeyFigure("Last import", day, _page_of(run), registry.get(run.importer).label)

    def _of_emergencies(self) -> Iterator[Task]:
        if not self.user.has_perm("roles.view_emergencyaccess"):
            return
        if latest := emergency.recent_accesses():
            began = date_format(timezone.localtime(latest[0].began_at), "j M Y, H:i")
            times = "once" if len(latest) == 1 else f"{len(latest):,} times"
            yield Task(
                f"Emergency access was used {times} in the last 7 days, most recently by {latest[0].person}"
                f" on {began}.",
                "See why",
                reverse("admin:roles_emergencyaccess_changelist"),
            )

    def _of_runs(self) -> Iterator[Task]:
        for run in runs_needing_attention(self.user):
            fate = _FATES.get(State(run.state), "was not imported")
            yield Task(f"{run.title} {fate}.", f"See import {run.run_id}", _page_of(run))
        waiting = next((run for run in self.runs if run.is_for_worker), None)
        if waiting and not heartbeat.is_alive():
            sentence = "Imports wait, for no worker is running. An administrator has to start one."
            yield Task(sentence, f"See import {waiting.run_id}", _page_of(waiting))

    def _of_names(self) -> Iterator[Task]:
        names, or_more = self._counted.to_settle if self._sees_names else (0, False)
        if names:
            yield Task(
                f"Stated trackers without a model, or with models of several brands: {names:,}{' or more' * or_more}.",
                "Settle the names",
                reverse("tracker-names:list"),
            )

    def _of_no_patients(self) -> Iterator[Task]:
        may_import = self.user.has_perms(["patients.import_medicalrecord", "patients.view_medicalrecord"])
        if may_import and not self._counted.patients:
            yield Task(
                "There are no patients yet.", "Import medical records", reverse("admin:patients_medicalrecord_import")
            )

    @property
    def _sees_names(self) -> bool:
        return self.user.has_perms(["trackers.view_trackeralias", "patients.view_medicalrecord"])

    @property
    def counted_at(self) -> datetime:
        return self._count.at

    @property
    def _counted(self) -> Counted:
        return self._count.answer

    @cached_property
    def _count(self) -> Count[Counted]:
        today = timezone.localdate()
        return cached_stale(f"overview:{today}", lambda: Counted.on(today))


def _page_of(run: ImportRun) -> str:
    return reverse("admin:imports_importrun_change", args=[run.pk])
