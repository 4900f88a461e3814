"""The form that asks a report of some patients only: in the address, and without a script."""

from collections.abc import Iterable, Iterator, Sequence

from django import forms
from django.core.cache import caches
from django.db import connection
from django.forms.boundfield import BoundField
from django.template.loader import render_to_string

from patients.filters import MAX_AGE, PARAMETERS, RecordFilter
from trackers.models import TrackerModel

FIELDS = (
    *("as_of", "gender", "min_age", "max_age", "condition", "medication", "allergy"),
    *("brand", "device_type", "appointment_after", "appointment_before"),
)
DAYS = ("as_of", "appointment_after", "appointment_before")
AGES = ("min_age", "max_age")
OF_CHOICES = ("gender", "medication")
OF_CATALOGUE = {"brand": "brand_name", "device_type": "device_type"}
OF_RECORDS = {"condition": "medical_conditions", "allergy": "allergies"}

MOST_SUGGESTED = 50
SECONDS_KEPT = 600
_TERMS = r"""
    SELECT min(term)
      FROM (SELECT {column} AS written, count(*) AS patients
              FROM medical_records WHERE {column} <> '' GROUP BY 1) AS texts,
           regexp_split_to_table(written, '\s*,\s*') AS term
     WHERE term <> ''
     GROUP BY lower(term) ORDER BY sum(patients) DESC, lower(term) LIMIT %s
"""


class FilterForm:
    def __init__(self, asked: RecordFilter) -> None:
        self.asked = asked
        self.fields = asked.form.fields
        for name in DAYS:
            self.fields[name].widget = forms.DateInput(attrs={"type": "date"})
        for name in AGES:
            self.fields[name].widget = forms.NumberInput(attrs={"min": 0, "max": MAX_AGE})
        for name in OF_CHOICES:
            self.fields[name].widget.choices = _any_or(asked.filters[name].extra["choices"])
        for name, values in _of_catalogue().items():
            self.fields[name].widget = forms.Select(choices=_with_chosen(values, asked.active_values.get(name, "")))
        for name in OF_RECORDS:
            self.fields[name].widget.attrs["list"] = f"{name}-suggestions"

    def as_html(self) -> str:
        return render_to_string("reports/filter-fields.html", {"form": self})

    def __iter__(self) -> Iterator[BoundField]:
        return (self.asked.form[name] for name in FIELDS)

    @property
    def suggestions(self) -> Iterator[tuple[str, Sequence[str]]]:
        """The most frequent words of the records; some minutes old, as any other word may be asked for."""
        for name, column in OF_RECORDS.items():
            terms = caches["reports"].get_or_set(f"terms-{column}", lambda column=column: _terms(column), SECONDS_KEPT)
            yield f"{name}-suggestions", terms or ()


def asked_without_field(asked: RecordFilter, fields: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What the address asks for and no field does, neither the form's nor one of these: it is asked for again."""
    for name in {*PARAMETERS, "sort"} - {*FIELDS, *fields}:
        if value := asked.data.get(name):
            yield name, value


def _of_catalogue() -> dict[str, list[str]]:
    rows = TrackerModel.objects.order_by().values_list(*OF_CATALOGUE.values()).distinct()
    columns = zip(*rows, strict=True) if rows else ((), ())
    spellings = ({value.casefold(): value for value in sorted(column)} for column in columns)
    return {name: [found[key] for key in sorted(found)] for name, found in zip(OF_CATALOGUE, spellings, strict=True)}


def _with_chosen(values: list[str], chosen: str) -> list[tuple[str, str]]:
    """What was asked for is selected in its own spelling, known or not."""
    others = [value for value in values if value.casefold() != chosen.casefold()]
    offered = sorted([*others, chosen], key=str.casefold) if chosen else others
    return _any_or((value, value) for value in offered)


def _any_or(choices: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [("", "Any"), *choices]


def _terms(column: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_TERMS.format(column=column), [MOST_SUGGESTED])
        return [term for (term,) in cursor.fetchall()]
