from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest
from django.utils import timezone

from patients.models import MedicalRecord, MedicalRecordTracker
from patients.naming import stating
from trackers.models import TrackerModel

YEARS_OFFERED = 5


class StatedTrackerFilter(admin.SimpleListFilter):
    """The patients who state one tracker; the tracker names' page links here, and without it nothing shows."""

    title = "stated tracker"
    parameter_name = "tracker"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        chosen = self.value()
        return [(chosen, chosen)] if chosen else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[MedicalRecord]) -> QuerySet[MedicalRecord]:
        chosen = self.value()
        return stating(chosen, queryset) if chosen else queryset


class LinkedModelFilter(admin.SimpleListFilter):
    """The patients of one tracker model; the models' list links here, and without it nothing shows."""

    title = "tracker model"
    parameter_name = "tracker_model"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        chosen = self.value()
        if not chosen:
            return []
        if not chosen.isdecimal():
            raise IncorrectLookupParameters
        return [(str(model.pk), str(model)) for model in TrackerModel.objects.filter(pk=chosen)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[MedicalRecord]) -> QuerySet[MedicalRecord]:
        chosen = self.value()
        return queryset.filter(Exists(_links().filter(model=int(chosen)))) if chosen else queryset


class LinksFilter(admin.SimpleListFilter):
    title = "linked trackers"
    parameter_name = "linked"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("some", "Some"), ("none", "None"), ("brands", "Several brands, to settle")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[MedicalRecord]) -> QuerySet[MedicalRecord]:
        match self.value():
            case "some":
                return queryset.filter(link_count__gt=0)
            case "none":
                return queryset.filter(link_count=0)
            case "brands":
                return queryset.filter(Exists(_ambiguous_links()), link_count__gt=1)
        return queryset


class LastAppointmentFilter(admin.SimpleListFilter):
    """By year, without asking the table which years it holds."""

    title = "last appointment"
    parameter_name = "appointment"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        this_year = timezone.localdate().year
        years = range(this_year, this_year - YEARS_OFFERED, -1)
        return [*((str(year), str(year)) for year in years), ("earlier", "Earlier"), ("none", "None")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[MedicalRecord]) -> QuerySet[MedicalRecord]:
        match self.value():
            case None:
                return queryset
            case "none":
                return queryset.filter(last_appointment_date=None)
            case "earlier":
                oldest = timezone.localdate().year - YEARS_OFFERED + 1
                return queryset.filter(last_appointment_date__year__lt=oldest)
            case year if len(year) <= 4 and year.isascii() and year.isdecimal() and int(year):
                return queryset.filter(last_appointment_date__year=year)
            case _:
                raise IncorrectLookupParameters


def _links() -> QuerySet[MedicalRecordTracker]:
    return MedicalRecordTracker.objects.filter(patient=OuterRef("pk"))


def _ambiguous_links() -> QuerySet[MedicalRecordTracker, Any]:
    """Of a patient whom an import linked to models of several brands; what staff linked, somebody decided."""
    by_import = _links().filter(source=MedicalRecordTracker.Source.IMPORT).order_by().values("patient")
    return by_import.annotate(brands=Count(Lower("model__brand_name"), distinct=True)).filter(brands__gt=1)
