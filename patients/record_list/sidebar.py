"""The filters beside the list of records. Each choice is an address with parameters of RecordFilter."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest

from healthtrack.core.date_formats import get_today
from healthtrack.core.replicas.routing import reading
from patients.age import BANDS
from patients.filters.links import LINK_CHOICES
from patients.filters.records import APPOINTMENT_YEARS_LISTED, STALE_AFTER_YEARS, YES_OR_NO, RecordFilter
from patients.models import Gender
from trackers.models import TrackerModel

# The common conditions come from a sample: reading every record takes a second for a million patients.
MAX_CONDITIONS = 12
SAMPLE_PAGES = 100  # of the table, each of 8 kB
_COMMON_CONDITIONS = """
SELECT min(btrim(term))
  FROM medical_records TABLESAMPLE SYSTEM (%s) REPEATABLE (1), unnest(string_to_array(medical_conditions, ',')) AS term
 WHERE btrim(term) <> ''
 GROUP BY lower(btrim(term)) ORDER BY count(*) DESC, 1 LIMIT %s
"""


@dataclass(frozen=True)
class SidebarFilter:
    """A group of choices with the interface of Django's list filters.

    `options` has the parameters that each choice sets, by its label; `active` all parameters of the current address.
    """

    title: str
    parameters: tuple[str, ...]
    options: Mapping[str, Mapping[str, str]]
    active: Mapping[str, str]
    template = "admin/filter.html"

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, Any]]:
        cleared: dict[str, str | None] = dict.fromkeys(self.parameters)
        selected = {name: self.active[name] for name in self.parameters if name in self.active}
        for display, option in {"All": {}, **self.options}.items():
            yield {
                "display": display,
                "selected": selected == option,
                "query_string": changelist.get_query_string({**cleared, **option}),
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset

    def expected_parameters(self) -> list[str]:
        return list(self.parameters)


def get_sidebar_filters(records: RecordFilter) -> list[Any]:
    """Return the filters in the order in which they are shown."""
    active = {name: " or ".join(values) for name, values in records.active_values.items()}
    ages = {str(band): _ages(band.youngest, band.oldest) for band in BANDS}
    return [
        SidebarFilter("age group", ("min_age", "max_age"), ages, active),
        _make_filter("condition", "condition", {name: name for name in _common_conditions()}, active),
        _make_filter("linked trackers", "linked", dict(LINK_CHOICES), active),
        _make_filter("tracker brand", "brand", {name: name for name in _brands()}, active),
        _make_filter("gender", "gender", dict(Gender.choices), active),
        _make_filter("medication", "medication", dict(YES_OR_NO), active),
        _make_filter("last appointment", "appointment", _appointments(), active),
    ]


def _make_filter(title: str, parameter: str, choices: Mapping[str, str], active: Mapping[str, str]) -> SidebarFilter:
    """Return a filter of one parameter. `choices` has the label of each value."""
    options = {label: {parameter: value} for value, label in choices.items()}
    return SidebarFilter(title, (parameter,), options, active)


def _ages(youngest: int, oldest: int | None) -> dict[str, str]:
    return {"min_age": str(youngest)} | ({} if oldest is None else {"max_age": str(oldest)})


def _appointments() -> dict[str, str]:
    """Return the recent years, whether any record has an appointment in them or not, and the other choices."""
    this_year = get_today().year
    years = (str(this_year - ago) for ago in range(APPOINTMENT_YEARS_LISTED))
    others = {"earlier": "Earlier", "stale": f"None in {STALE_AFTER_YEARS} years", "none": "Never"}
    return {year: year for year in years} | others


def _brands() -> list[str]:
    names = TrackerModel.objects.order_by(Lower("brand_name"), "brand_name").values_list("brand_name", flat=True)
    return list({name.casefold(): name for name in names}.values())


def _common_conditions() -> list[str]:
    with reading().cursor() as cursor:
        cursor.execute("SELECT pg_relation_size('medical_records') / current_setting('block_size')::int")
        pages = cursor.fetchone()[0]
        cursor.execute(_COMMON_CONDITIONS, [min(100, 100 * SAMPLE_PAGES / max(pages, 1)), MAX_CONDITIONS])
        return [name for (name,) in cursor.fetchall()]
