"""The filters over patients, shared by the list of records and the reports.

Every condition is a range of an indexed column or an EXISTS over the links, so the database may start from any of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date
from functools import cached_property, reduce
from operator import or_
from typing import Any, TypeAlias

from django.core.validators import RegexValidator
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Lower
from django.http import HttpRequest, QueryDict
from django_filters import CharFilter, ChoiceFilter, Filter, MultipleChoiceFilter
from django_filters.filterset import FilterSet

from healthtrack.core.date_formats import get_today
from healthtrack.core.search_terms import TOKEN
from healthtrack.core.text import quote
from patients.age import Band, get_latest_birth_date
from patients.expressions import Terms
from patients.filters.added import filter_added_since, filter_added_until
from patients.filters.fields import DayFilter, TextsFilter, WholeNumberFilter
from patients.filters.links import LINK_CHOICES, get_links, is_linked, is_linked_to
from patients.linking.tracker_names import filter_by_reported_tracker
from patients.models import Gender, MedicalRecord
from trackers.models import TrackerModel

Records: TypeAlias = QuerySet[MedicalRecord]

MAX_AGE = 150
APPOINTMENT_YEARS_LISTED = 5
STALE_AFTER_YEARS = 2
APPOINTMENT_VALIDATOR = RegexValidator(r"^(none|stale|earlier|[1-9][0-9]{0,3})\Z")
YES_OR_NO = [("yes", "Yes"), ("no", "No")]
DATE_HINT = "Use a date such as 2024-12-31."
AGE_HINT = f"Use whole years from 0 to {MAX_AGE}."
# Pairs of filters that bound one range: the first must not be greater than the second.
RANGES = (("min_age", "max_age"), ("appointment_after", "appointment_before"), ("added_after", "added_before"))


class _Filters(dict[str, Filter]):
    """The filters of a class, of which each instance takes a copy. A full copy would take a tenth of a page's time."""

    def __deepcopy__(self, _: object) -> dict[str, Filter]:
        copies = {name: copy(each) for name, each in self.items()}
        for each in copies.values():
            each.method = each.method  # type: ignore[method-assign,misc]  # a property, which binds it to the copy
        return copies


@dataclass(frozen=True)
class ActiveFilter:
    """A value of a filter in use, with its label and value as a page shows them.

    `others` are the other values of the address for the same parameter.
    """

    parameter: str
    label: str
    value: str
    others: tuple[str, ...] = ()


class RecordFilter(FilterSet):
    """The filters over records; the data are the parameters of an address.

    The help text of a filter is the hint at the end of the error message for an invalid value.
    """

    gender = ChoiceFilter(choices=Gender.choices, help_text="Use F, M, O or U.")
    condition = TextsFilter(label="Condition", method="filter_by_term", help_text="Use the name of a condition.")
    medication = MultipleChoiceFilter(
        label="Medication", choices=YES_OR_NO, method="filter_by_medication", help_text="Use yes or no."
    )
    allergy = TextsFilter(label="Allergy", method="filter_by_term", help_text="Use the name of an allergy.")
    brand = TextsFilter(label="Tracker brand", method="filter_by_brand", help_text="Use the name of a brand.")
    device_type = CharFilter(label="Device type", method="filter_by_device_type", help_text="Use a type of device.")
    tracker_model = WholeNumberFilter(
        method="filter_by_model", label="Tracker model", help_text="Use the number of a tracker model."
    )
    tracker = CharFilter(
        method="filter_by_reported_tracker",
        label="Reported tracker",
        help_text="Use a tracker in the patient's own words.",
    )
    linked = ChoiceFilter(
        choices=LINK_CHOICES,
        method="filter_by_links",
        label="Linked trackers",
        help_text="Use some, none, brands, unstated, unmatched, undecided or missing.",
    )
    min_age = WholeNumberFilter(method="filter_by_min_age", max_value=MAX_AGE, label="Age from", help_text=AGE_HINT)
    max_age = WholeNumberFilter(method="filter_by_max_age", max_value=MAX_AGE, label="Age to", help_text=AGE_HINT)
    as_of = DayFilter(method="leave_unfiltered", label="Age on", help_text=DATE_HINT)
    appointment_after = DayFilter("last_appointment_date", "gte", label="Last appointment from", help_text=DATE_HINT)
    appointment_before = DayFilter("last_appointment_date", "lte", label="Last appointment to", help_text=DATE_HINT)
    added_after = DayFilter(method="filter_by_first_day", label="Added from", help_text=DATE_HINT)
    added_before = DayFilter(method="filter_by_last_day", label="Added to", help_text=DATE_HINT)
    appointment = CharFilter(
        method="filter_by_appointment",
        validators=[APPOINTMENT_VALIDATOR],
        label="Last appointment",
        help_text="Use none, stale, earlier or a year such as 2024.",
    )
    duplicates = ChoiceFilter(
        choices=YES_OR_NO[:1],
        method="filter_possible_duplicates",
        label="Possible duplicates",
        help_text="Use yes.",
    )

    class Meta:
        model = MedicalRecord
        fields: list[str] = []

    @classmethod
    def get_filters(cls) -> "_Filters":
        return _Filters(super().get_filters())

    @cached_property
    def errors_by_parameter(self) -> dict[str, str]:
        """A sentence for each parameter with an invalid value, and for each inverted range."""
        return dict(self._describe_errors())

    @property
    def error_messages(self) -> list[str]:
        """The sentences about invalid values and inverted ranges."""
        return list(self.errors_by_parameter.values())

    @cached_property
    def active_values(self) -> dict[str, list[str]]:
        """The values of the address for the filters that it uses, by parameter; most filters have one."""
        values = {name: self._get_values(name) for name in self.filters}
        return {name: given for name, given in values.items() if given}

    def get_active_value(self, name: str) -> str:
        """Return the only value of a filter; empty if the address has none or several."""
        values = self.active_values.get(name, [])
        return values[0].strip() if len(values) == 1 else ""

    @property
    def active_filters(self) -> Iterator[ActiveFilter]:
        """The filters that the address uses, as a page shows them: one for each value."""
        for name, values in self.active_values.items():
            for value in values:
                others = tuple(other for other in values if other != value)
                yield ActiveFilter(name, self.filters[name].label, self._describe_value(name, value), others)

    @property
    def is_used(self) -> bool:
        """Whether the address has a filter. Without one there is no form to build, which would take longer."""
        return any(name in self.data for name in self.filters)

    @cached_property
    def cleaned_values(self) -> dict[str, Any]:
        """The valid values of the address as Python objects, by parameter."""
        if not self.is_used:
            return {}
        self.form.full_clean()
        values: dict[str, Any] = self.form.cleaned_data
        return values

    @property
    def as_of_day(self) -> date:
        """The day on which ages are counted: today if the address has none."""
        return self.cleaned_values.get("as_of") or get_today()

    @property
    def errors(self) -> Mapping[str, Any]:
        return super().errors if self.is_used else {}

    def filter_queryset(self, queryset: Records) -> Records:
        """Return the matching records; none if a value is invalid, as ignoring it would answer another question."""
        if not self.is_used:
            return queryset
        return queryset.none() if self.error_messages else super().filter_queryset(queryset)

    def filter_by_term(self, records: Records, name: str, values: Sequence[str]) -> Records:
        """Keep the records that match one of the values: each is a term, or several that a record must all have."""
        column = {"condition": "medical_conditions", "allergy": "allergies"}[name]
        conditions = (Q(**{f"{name}_terms__contains": Terms(Value(value))}) for value in values)
        with_terms = records.exclude(**{column: ""}).alias(**{f"{name}_terms": Terms(F(column))})
        return with_terms.filter(reduce(or_, conditions))

    def filter_by_medication(self, records: Records, _: str, values: Sequence[str]) -> Records:
        return records.filter(medications=values[0] == "yes") if len(set(values)) == 1 else records

    def filter_by_brand(self, records: Records, _: str, values: Sequence[str]) -> Records:
        return records.filter(is_linked_to(Lower("brand_name"), values))

    def filter_by_device_type(self, records: Records, _: str, value: str) -> Records:
        return records.filter(is_linked_to(Lower("device_type"), [value]))

    def filter_by_model(self, records: Records, _: str, value: int) -> Records:
        return records.filter(Exists(get_links().filter(model=value)))

    def filter_by_reported_tracker(self, records: Records, _: str, value: str) -> Records:
        return filter_by_reported_tracker(value, records)

    def filter_by_links(self, records: Records, _: str, value: str) -> Records:
        return records.filter(is_linked(value))

    def filter_by_min_age(self, records: Records, _: str, years: int) -> Records:
        return self._filter_by_age(records, Band(years, None))

    def filter_by_max_age(self, records: Records, _: str, years: int) -> Records:
        return self._filter_by_age(records, Band(0, years))

    def filter_by_first_day(self, records: Records, _: str, day: date) -> Records:
        return filter_added_since(records, day)

    def filter_by_last_day(self, records: Records, _: str, day: date) -> Records:
        return filter_added_until(records, day)

    def filter_by_appointment(self, records: Records, _: str, value: str) -> Records:
        match value:
            case "none":
                return records.filter(last_appointment_date=None)
            case "stale":
                since = get_latest_birth_date(STALE_AFTER_YEARS, self.as_of_day) or date.min
                return records.filter(Q(last_appointment_date=None) | Q(last_appointment_date__lt=since))
            case "earlier":
                earliest = get_today().year - APPOINTMENT_YEARS_LISTED + 1
                return records.filter(last_appointment_date__year__lt=earliest)
            case year:
                return records.filter(last_appointment_date__year=int(year))

    def filter_possible_duplicates(self, records: Records, _: str, value: str) -> Records:
        """Keep the records that share their name, in any letter case, and their date of birth with another record."""
        others = MedicalRecord.objects.alias(folded=Lower("name")).exclude(pk=OuterRef("pk"))
        same = others.filter(date_of_birth=OuterRef("date_of_birth"), folded=Lower(OuterRef("name")))
        return records.filter(Exists(same))

    def leave_unfiltered(self, records: Records, *_: object) -> Records:
        """Keep all records: the day says on which date ages are counted, and excludes nobody."""
        return records

    def _filter_by_age(self, records: Records, band: Band) -> Records:
        births = band.births(self.as_of_day)
        return records.none() if births is None else records.filter(births)

    def _get_values(self, name: str) -> list[str]:
        """Return the values of the address for a filter, without blank ones; most filters use the last one."""
        if isinstance(self.filters[name], TextsFilter | MultipleChoiceFilter):
            given = self.data.getlist(name) if isinstance(self.data, QueryDict) else [self.data.get(name, "")]
        else:
            given = [self.data.get(name, "")]
        return list(dict.fromkeys(value for value in given if value.strip()))

    def _describe_errors(self) -> Iterator[tuple[str, str]]:
        for name in self.errors:
            hint = self.filters[name].extra["help_text"]
            value = quote(" ".join(self._get_values(name)))
            yield name, f"{value} is not a valid value for “{self.filters[name].label}”. {hint}"
        for lower, upper in RANGES:
            low, high = self.cleaned_values.get(lower), self.cleaned_values.get(upper)
            if low is not None and high is not None and low > high:
                labels = [self.filters[name].label for name in (lower, upper)]
                yield lower, f"“{labels[0]}” ({low}) must not be greater than “{labels[1]}” ({high})."

    def _describe_value(self, name: str, value: str) -> str:
        if name == "tracker_model":
            model = TrackerModel.objects.filter(pk=self.cleaned_values.get(name) or 0).first()
            return str(model or quote(value))
        return str(dict(getattr(self.form.fields[name], "choices", ())).get(value, value))


PARAMETERS = tuple(RecordFilter.get_filters())


def get_filter_names(request: HttpRequest) -> list[str]:
    """Return the names of the filters that an address uses; not their values, which may identify a patient."""
    return [name for name in (*PARAMETERS, TOKEN) if request.GET.get(name)]
