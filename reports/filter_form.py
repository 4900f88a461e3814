"""The form with the filters of a report. It works without scripts and puts the filters into the address."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django import forms
from django.forms.boundfield import BoundField
from django.template.loader import render_to_string

from patients.filters.records import MAX_AGE, PARAMETERS, YES_OR_NO, RecordFilter
from patients.terms import list_allergies, list_conditions
from trackers.models import TrackerModel

FIELDS = (
    *("as_of", "gender", "min_age", "max_age", "condition", "medication", "allergy"),
    *("brand", "device_type", "appointment_after", "appointment_before"),
    *("added_after", "added_before"),
)
DAYS = ("as_of", "appointment_after", "appointment_before", "added_after", "added_before")
AGES = ("min_age", "max_age")
CATALOGUE_FIELDS = {"brand": "brand_name", "device_type": "device_type"}
TERM_FIELDS = {"condition": list_conditions, "allergy": list_allergies}
HELP = {"as_of": "Ages are counted on this day, for the patients of today: also for those who were added later."}

MAX_TERMS = 50


@dataclass(frozen=True)
class Choice:
    value: str
    label: str
    is_chosen: bool


@dataclass(frozen=True)
class FilterField:
    """A field of the form. One for several values has choices; `takes_others` says whether people may type another."""

    bound: BoundField
    error: str
    help: str
    choices: Sequence[Choice] = ()
    takes_others: bool = False

    @property
    def chosen(self) -> int:
        return sum(choice.is_chosen for choice in self.choices)


class FilterForm:
    """Draws the fields of a record filter."""

    def __init__(self, record_filter: RecordFilter) -> None:
        self.record_filter = record_filter
        self.errors = record_filter.errors_by_parameter
        self.fields = record_filter.form.fields
        for name in DAYS:
            self.fields[name].widget = forms.DateInput(attrs={"type": "date"})
        for name in AGES:
            self.fields[name].widget = forms.NumberInput(attrs={"min": 0, "max": MAX_AGE})
        self.fields["gender"].widget.choices = _add_any(record_filter.filters["gender"].extra["choices"])
        self.catalogue = _get_catalogue_values()
        types = _add_selected(self.catalogue["device_type"], record_filter.get_active_value("device_type"))
        self.fields["device_type"].widget = forms.Select(choices=types)
        for name in FIELDS:
            described = [f"{name}-help"] * (name in HELP) + [f"{name}-error"] * (name in self.errors)
            if described:
                self.fields[name].widget.attrs["aria-describedby"] = " ".join(described)
            if name in self.errors:
                self.fields[name].widget.attrs["aria-invalid"] = "true"

    def as_html(self) -> str:
        """Return the fields as HTML. It is cached, and must not depend on the person."""
        return render_to_string("reports/filter-fields.html", {"form": self})

    def __iter__(self) -> Iterator[FilterField]:
        for name in FIELDS:
            yield FilterField(
                self.record_filter.form[name],
                self.errors.get(name, ""),
                HELP.get(name, ""),
                self._get_choices(name),
                name in TERM_FIELDS,
            )

    def _get_choices(self, name: str) -> Sequence[Choice]:
        """Return the values that a field offers: those that are chosen first, whether they exist or not."""
        if name == "medication":
            chosen = self.record_filter.active_values.get(name, [])
            return [Choice(value, label, value in chosen) for value, label in YES_OR_NO]
        if name not in {"brand", *TERM_FIELDS}:
            return ()
        offered = self.catalogue["brand"] if name == "brand" else TERM_FIELDS[name]()[:MAX_TERMS]
        chosen = self.record_filter.active_values.get(name, [])
        folded = {value.casefold() for value in chosen}
        others = [Choice(value, value, is_chosen=False) for value in offered if value.casefold() not in folded]
        return [*(Choice(value, value, is_chosen=True) for value in chosen), *others]


def get_hidden_parameters(record_filter: RecordFilter, fields: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the parameters of the address that neither the form nor these fields contain, for hidden fields."""
    for name in {*PARAMETERS, "sort"} - {*FIELDS, *fields}:
        if value := record_filter.data.get(name):
            yield name, value


def _get_catalogue_values() -> dict[str, list[str]]:
    rows = TrackerModel.objects.order_by().values_list(*CATALOGUE_FIELDS.values()).distinct()
    columns = zip(*rows, strict=True) if rows else ((), ())
    spellings = ({value.casefold(): value for value in sorted(column)} for column in columns)
    return {
        name: [found[key] for key in sorted(found)] for name, found in zip(CATALOGUE_FIELDS, spellings, strict=True)
    }


def _add_selected(values: list[str], selected: str) -> list[tuple[str, str]]:
    """Return choices that include the selected value in the person's spelling, even if it is unknown."""
    others = [value for value in values if value.casefold() != selected.casefold()]
    offered = sorted([*others, selected], key=str.casefold) if selected else others
    return _add_any((value, value) for value in offered)


def _add_any(choices: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [("", "Any"), *choices]
