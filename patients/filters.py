"""The one filter over patients, for the list of records and for the reports, which lead to it.

Every condition is a range of an indexed column or an EXISTS over the links, so that the database may start from any.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, TypeAlias

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, RegexValidator
from django.db.models import Exists, F, Max, Min, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Lower
from django.http import HttpRequest
from django.utils import timezone
from django_filters import CharFilter, ChoiceFilter, Filter
from django_filters.filterset import FilterSet

from healthtrack.core.search_terms import TOKEN
from healthtrack.core.text import shown
from patients.age import Band, latest_birth
from patients.expressions import Terms
from patients.models import Gender, MedicalRecord, MedicalRecordTracker
from patients.naming import stating
from trackers.models import TrackerModel

Records: TypeAlias = QuerySet[MedicalRecord]

OLDEST = 150
YEARS_OFFERED = 5
STALE_AFTER_YEARS = 2
HIGHEST_KEY = 2**31 - 1
APPOINTMENT = RegexValidator(r"^(none|stale|earlier|[1-9][0-9]{0,3})\Z")
YES_OR_NO = [("yes", "Yes"), ("no", "No")]
LINKED = [
    ("some", "Some"),
    ("none", "None"),
    ("brands", "Several brands, to settle"),
    ("unstated", "None, and no tracker stated"),
    ("unmatched", "None, though a tracker is stated"),
]


class _DayField(forms.DateField):
    def to_python(self, value: Any) -> date | None:
        day: date | None = super().to_python(value)
        if day and day.isoformat() != value.strip():
            raise ValidationError(self.error_messages["invalid"])
        return day


class _WholeNumberField(forms.IntegerField):
    default_validators = [MaxValueValidator(HIGHEST_KEY)]

    def to_python(self, value: Any) -> int | None:
        text = str(value or "").strip()
        if text and not (text.isascii() and text.isdecimal() and len(text) <= len(str(HIGHEST_KEY))):
            raise ValidationError(self.error_messages["invalid"])
        return super().to_python(text)


class _DayFilter(Filter):
    field_class: type[forms.Field] = _DayField


class _WholeNumberFilter(Filter):
    field_class: type[forms.Field] = _WholeNumberField


@dataclass(frozen=True)
class ActiveFilter:
    parameter: str
    label: str
    value: str


class RecordFilter(FilterSet):
    """Reads what an address asks; the help text of a parameter ends the sentence that refuses another value."""

    gender = ChoiceFilter(choices=Gender.choices, help_text="F or M")
    condition = CharFilter(label="Condition", method="having_term", help_text="one condition")
    medication = ChoiceFilter(
        label="Takes medication", choices=YES_OR_NO, method="of_medication", help_text="yes or no"
    )
    allergy = CharFilter(label="Allergy", method="having_term", help_text="one allergy")
    brand = CharFilter(label="Tracker brand", method="of_brand", help_text="the name of a brand")
    device_type = CharFilter(label="Device type", method="of_device_type", help_text="a type of device")
    tracker_model = _WholeNumberFilter(
        method="of_model", label="Tracker model", help_text="the number of a tracker model"
    )
    tracker = CharFilter(method="of_stated", label="Stated tracker", help_text="a tracker as patients name it")
    linked = ChoiceFilter(
        choices=LINKED,
        method="of_links",
        label="Linked trackers",
        help_text="some, none, brands, unstated or unmatched",
    )
    min_age = _WholeNumberFilter(
        method="from_age", max_value=OLDEST, label="Age from", help_text=f"years from 0 to {OLDEST}"
    )
    max_age = _WholeNumberFilter(
        method="to_age", max_value=OLDEST, label="Age to", help_text=f"years from 0 to {OLDEST}"
    )
    as_of = _DayFilter(method="unfiltered", label="As of", help_text="a day, such as 2024-12-31")
    appointment_after = _DayFilter(
        "last_appointment_date", "gte", label="Last appointment from", help_text="a day, such as 2024-12-31"
    )
    appointment_before = _DayFilter(
        "last_appointment_date", "lte", label="Last appointment to", help_text="a day, such as 2024-12-31"
    )
    appointment = CharFilter(
        method="of_appointment",
        validators=[APPOINTMENT],
        label="Last appointment",
        help_text="none, stale, earlier or a year such as 2024",
    )
    twins = ChoiceFilter(choices=YES_OR_NO[:1], method="of_twins", label="Possible twin records", help_text="yes")

    class Meta:
        model = MedicalRecord
        fields: list[str] = []

    @cached_property
    def faults(self) -> list[str]:
        """A sentence for every value that cannot be asked for."""
        return list(self._faults())

    @cached_property
    def asked(self) -> dict[str, str]:
        return {name: self.data[name] for name in self.filters if self.data.get(name, "").strip()}

    @property
    def active(self) -> Iterator[ActiveFilter]:
        for name, value in self.asked.items():
            yield ActiveFilter(name, self.filters[name].label, self._in_words(name, value))

    @cached_property
    def accepted(self) -> dict[str, Any]:
        self.form.full_clean()
        values: dict[str, Any] = self.form.cleaned_data
        return values

    @property
    def as_of_day(self) -> date:
        return self.accepted.get("as_of") or timezone.localdate()

    def filter_queryset(self, queryset: Records) -> Records:
        """Nobody, where a value is refused: half of what was asked for would be an answer to something else."""
        return queryset.none() if self.faults else super().filter_queryset(queryset)

    def having_term(self, records: Records, name: str, value: str) -> Records:
        column = {"condition": "medical_conditions", "allergy": "allergies"}[name]
        has_term = {f"{name}_terms__contains": Terms(Value(value))}
        return records.exclude(**{column: ""}).alias(**{f"{name}_terms": Terms(F(column))}).filter(**has_term)

    def of_medication(self, records: Records, _: str, value: str) -> Records:
        return records.filter(medications=value == "yes")

    def of_brand(self, records: Records, _: str, value: str) -> Records:
        return records.filter(_linked_to(Lower("brand_name"), value))

    def of_device_type(self, records: Records, _: str, value: str) -> Records:
        return records.filter(_linked_to(Lower("device_type"), value))

    def of_model(self, records: Records, _: str, value: int) -> Records:
        return records.filter(Exists(_links().filter(model=value)))

    def of_stated(self, records: Records, _: str, value: str) -> Records:
        return stating(value, records)

    def of_links(self, records: Records, _: str, value: str) -> Records:
        match value:
            case "some":
                return records.filter(link_count__gt=0)
            case "brands":
                return records.filter(Exists(_ambiguous_links()), link_count__gt=1)
            case "unstated":
                return records.filter(link_count=0, tracker="")
            case "unmatched":
                return records.filter(link_count=0).exclude(tracker="")
            case _:
                return records.filter(link_count=0)

    def from_age(self, records: Records, _: str, years: int) -> Records:
        return self._of_ages(records, Band(years, None))

    def to_age(self, records: Records, _: str, years: int) -> Records:
        return self._of_ages(records, Band(0, years))

    def of_appointment(self, records: Records, _: str, value: str) -> Records:
        match value:
            case "none":
                return records.filter(last_appointment_date=None)
            case "stale":
                since = latest_birth(STALE_AFTER_YEARS, self.as_of_day) or date.min
                return records.filter(Q(last_appointment_date=None) | Q(last_appointment_date__lt=since))
            case "earlier":
                oldest = timezone.localdate().year - YEARS_OFFERED + 1
                return records.filter(last_appointment_date__year__lt=oldest)
            case year:
                return records.filter(last_appointment_date__year=int(year))

    def of_twins(self, records: Records, _: str, value: str) -> Records:
        others = MedicalRecord.objects.alias(folded=Lower("name")).exclude(pk=OuterRef("pk"))
        same = others.filter(date_of_birth=OuterRef("date_of_birth"), folded=Lower(OuterRef("name")))
        return records.filter(Exists(same))

    def unfiltered(self, records: Records, *_: object) -> Records:
        return records

    def _of_ages(self, records: Records, band: Band) -> Records:
        births = band.births(self.as_of_day)
        return records.none() if births is None else records.filter(births)

    def _faults(self) -> Iterator[str]:
        for name in self.form.errors:
            wanted = self.filters[name].extra["help_text"]
            yield f"{name} is {shown(self.data[name])}; write {wanted}, or leave it out."
        for lower, upper in (("min_age", "max_age"), ("appointment_after", "appointment_before")):
            low, high = self.accepted.get(lower), self.accepted.get(upper)
            if low is not None and high is not None and low > high:
                yield f"{lower} is {low}, and {upper} is {high}, which is less; swap them, or leave one out."

    def _in_words(self, name: str, value: str) -> str:
        if name == "tracker_model":
            model = TrackerModel.objects.filter(pk=self.accepted.get(name) or 0).first()
            return str(model or shown(value))
        return str(dict(getattr(self.form.fields[name], "choices", ())).get(value, value))


PARAMETERS = tuple(RecordFilter.get_filters())


def kinds_asked(request: HttpRequest) -> list[str]:
    """What the address narrows the records by, without the values, which may say who somebody is."""
    return [name for name in (*PARAMETERS, TOKEN) if request.GET.get(name)]


def _links() -> QuerySet[MedicalRecordTracker]:
    return MedicalRecordTracker.objects.filter(patient=OuterRef("pk"))


def _linked_to(column: Lower, value: str) -> Exists:
    models = TrackerModel.objects.alias(folded=column).filter(folded=Lower(Value(value)))
    return Exists(_links().filter(model__in=models.values("pk")))


def _ambiguous_links() -> QuerySet[MedicalRecordTracker, Any]:
    """Of a patient whom an import linked to models of several brands; what staff linked, somebody decided."""
    by_import = _links().filter(source=MedicalRecordTracker.Source.IMPORT).order_by().values("patient")
    brand = Lower("model__brand_name")
    return by_import.annotate(first_brand=Min(brand), last_brand=Max(brand)).filter(first_brand__lt=F("last_brand"))
