"""What the front page tells at a glance, each part only to who may see it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.contrib.auth.models import AnonymousUser, User
from django.urls import reverse
from django.utils import timezone

from patients.naming import ToSettle, names_to_settle
from reports.charts.rows import Bar, Part, StackedBar
from reports.queries.age_groups import AgeGroups, patients_by_age_group
from reports.queries.brands import Brands, patients_by_brand
from reports.queries.without_tracker import count_patients_without_tracker
from trackers.models import FitnessTracker, TrackerModel

BRANDS_SHOWN = 5


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


class Overview:
    def __init__(self, user: User | AnonymousUser) -> None:
        self.user = user

    @cached_property
    def figures(self) -> list[KeyFigure]:
        return [*self._of_patients(), *self._of_trackers()]

    @cached_property
    def tasks(self) -> list[Task]:
        return [*self._of_names(), *self._of_no_patients()]

    @cached_property
    def ages(self) -> Sequence[Bar]:
        return [Bar(group.ages, group.patients) for group in self._ages.groups]

    @cached_property
    def tracked(self) -> Sequence[StackedBar]:
        parts = [Part("With a tracker", self._patients - self._without), Part("Without", self._without)]
        return [StackedBar("All patients", parts)] if self._patients else []

    @cached_property
    def brands(self) -> Sequence[Bar]:
        return [Bar(brand.name, brand.patients) for brand in self._use.brands[:BRANDS_SHOWN]]

    @property
    def other_brands(self) -> int:
        return max(len(self._use.brands) - BRANDS_SHOWN, 0)

    def _of_patients(self) -> Iterator[KeyFigure]:
        sees_records = self.user.has_perm("patients.view_medicalrecord")
        if not (sees_records or self.user.has_perm("reports.view_aggregates")):
            return
        href = reverse("admin:patients_medicalrecord_changelist") if sees_records else ""
        yield KeyFigure("Patients", f"{self._patients:,}", href)
        if self._patients:
            tracked = self._patients - self._without
            share = f"{tracked / self._patients:.1%}".replace("%", " %")
            yield KeyFigure("With a tracker", share, href and f"{href}?linked=some", f"{tracked:,} patients")

    def _of_trackers(self) -> Iterator[KeyFigure]:
        if self.user.has_perm("trackers.view_trackermodel"):
            href = reverse("admin:trackers_trackermodel_changelist")
            yield KeyFigure("Tracker models", f"{TrackerModel.objects.count():,}", href)
        if self.user.has_perm("trackers.view_fitnesstracker"):
            href = reverse("admin:trackers_fitnesstracker_changelist")
            yield KeyFigure("Variants", f"{FitnessTracker.objects.count():,}", href)
        if self._sees_names:
            count = f"{self._to_settle.names:,}{' or more' if self._to_settle.or_more else ''}"
            yield KeyFigure("Names to settle", count, reverse("tracker-names:list"))

    def _of_names(self) -> Iterator[Task]:
        if self._sees_names and self._to_settle.names:
            one = self._to_settle.names == 1
            yield Task(
                f"{self._to_settle.names:,} stated {'tracker has' if one else 'trackers have'} no model, or models of "
                "several brands.",
                "Settle the name" if one else "Settle the names",
                reverse("tracker-names:list"),
            )

    def _of_no_patients(self) -> Iterator[Task]:
        may_import = self.user.has_perms(["patients.import_medicalrecord", "patients.view_medicalrecord"])
        if may_import and not self._patients:
            yield Task(
                "There are no patients yet.", "Import medical records", reverse("admin:patients_medicalrecord_import")
            )

    @property
    def _sees_names(self) -> bool:
        return self.user.has_perms(["trackers.view_trackeralias", "patients.view_medicalrecord"])

    @cached_property
    def _ages(self) -> AgeGroups:
        return patients_by_age_group(timezone.localdate())

    @property
    def _patients(self) -> int:
        return self._ages.patients + self._ages.not_yet_born

    @cached_property
    def _without(self) -> int:
        return count_patients_without_tracker()

    @cached_property
    def _use(self) -> Brands:
        return patients_by_brand()

    @cached_property
    def _to_settle(self) -> ToSettle:
        return names_to_settle()
