"""The form with the filters of a report. It works without scripts and puts the filters into the address."""

from collections.abc import Iterable, Iterator, Sequence

from django import forms
from django.core.cache import caches
from django.forms.boundfield import BoundField
from django.template.loader import render_to_string

from healthtrack.core.replicas.routing import reading
from patients.filters import MAX_AGE, PARAMETERS, RecordFilter
from trackers.models import TrackerModel

FIELDS = (
    *("as_of", "gender", "min_age", "max_age", "condition", "medication", "allergy"),
    *("brand", "device_type", "appointment_after", "appointment_before"),
)
DAYS = ("as_of", "appointment_after", "appointment_before")
AGES = ("min_age", "max_age")
CHOICE_FIELDS = ("gender", "medication")
CATALOGUE_FIELDS = {"brand": "brand_name", "device_type": "device_type"}
SUGGESTED_FIELDS = {"condition": "medical_conditions", "allergy": "allergies"}

MAX_SUGGESTIONS = 50
CACHE_SECONDS = 600
_TERMS = r"""
    SELECT min(term)
      FROM (SELECT {column} AS written, count(*) AS patients
              FROM medical_records WHERE {column} <> '' GROUP BY 1) AS texts,
           regexp_split_to_table(written, '\s*,\s*') AS term
     WHERE term <> ''
     GROUP BY lower(term) ORDER BY sum(patients) DESC, lower(term) LIMIT %s
"""


class FilterForm:
    """Draws the fields of a record filter."""

    def __init__(self, record_filter: RecordFilter) -> None:
        self.record_filter = record_filter
        self.fields = record_filter.form.fields
        for name in DAYS:
            self.fields[name].widget = forms.DateInput(attrs={"type": "date"})
        for name in AGES:
            self.fields[name].widget = forms.NumberInput(attrs={"min": 0, "max": MAX_AGE})
        for name in CHOICE_FIELDS:
            self.fields[name].widget.choices = _add_any(record_filter.filters[name].extra["choices"])
        for name, values in _get_catalogue_values().items():
            self.fields[name].widget = forms.Select(
                choices=_add_selected(values, record_filter.active_values.get(name, ""))
            )
        for name in SUGGESTED_FIELDS:
            self.fields[name].widget.attrs["list"] = f"{name}-suggestions"

    def as_html(self) -> str:
        """Return the fields as HTML. It is cached, and must not depend on the person."""
        return render_to_string("reports/filter-fields.html", {"form": self})

    def __iter__(self) -> Iterator[BoundField]:
        return (self.record_filter.form[name] for name in FIELDS)

    @property
    def suggestions(self) -> Iterator[tuple[str, Sequence[str]]]:
        """Yield the most frequent conditions and allergies. They may be some minutes old: any other text is allowed."""
        for name, column in SUGGESTED_FIELDS.items():
            terms = caches["reports"].get_or_set(f"terms-{column}", lambda column=column: _terms(column), CACHE_SECONDS)
            yield f"{name}-suggestions", terms or ()


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


def _terms(column: str) -> list[str]:
    with reading().cursor() as cursor:
        cursor.execute(_TERMS.format(column=column), [MAX_SUGGESTIONS])
        return [term for (term,) in cursor.fetchall()]
