"""What the list of records offers beside it to narrow it: addresses of the record filter's parameters."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest
from django.utils import timezone

from patients.age import BANDS
from patients.filters import LINKED, STALE_AFTER_YEARS, YEARS_OFFERED, YES_OR_NO, RecordFilter
from patients.models import Gender
from trackers.models import TrackerModel

# A sample tells the common conditions: asking every patient would take a second at a million.
CONDITIONS_OFFERED = 12
PAGES_ASKED = 100
_COMMON_CONDITIONS = """
SELECT min(btrim(term))
  FROM medical_records TABLESAMPLE SYSTEM (%s) REPEATABLE (1), unnest(string_to_array(medical_conditions, ',')) AS term
 WHERE btrim(term) <> ''
 GROUP BY lower(btrim(term)) ORDER BY count(*) DESC, 1 LIMIT %s
"""


@dataclass(frozen=True)
class Offer:
    """A group of choices, in the words of Django's list filters."""

    title: str
    parameters: tuple[str, ...]
    ways: Mapping[str, Mapping[str, str]]
    asked: Mapping[str, str]
    template = "admin/filter.html"

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, Any]]:
        nothing: dict[str, str | None] = dict.fromkeys(self.parameters)
        asked = {name: self.asked[name] for name in self.parameters if name in self.asked}
        for display, way in {"All": {}, **self.ways}.items():
            yield {
                "display": display,
                "selected": asked == way,
                "query_string": changelist.get_query_string({**nothing, **way}),
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset

    def expected_parameters(self) -> list[str]:
        return list(self.parameters)


def offers(records: RecordFilter) -> list[Any]:
    asked = records.asked
    ages = {str(band): _ages(band.youngest, band.oldest) for band in BANDS}
    return [
        Offer("age group", ("min_age", "max_age"), ages, asked),
        _of_one("condition", "condition", {name: name for name in _common_conditions()}, asked),
        _of_one("linked trackers", "linked", dict(LINKED), asked),
        _of_one("tracker brand", "brand", {name: name for name in _brands()}, asked),
        _of_one("gender", "gender", dict(Gender.choices), asked),
        _of_one("takes medication", "medication", dict(YES_OR_NO), asked),
        _of_one("last appointment", "appointment", _appointments(), asked),
    ]


def _of_one(title: str, parameter: str, choices: Mapping[str, str], asked: Mapping[str, str]) -> Offer:
    return Offer(title, (parameter,), {label: {parameter: value} for value, label in choices.items()}, asked)


def _ages(youngest: int, oldest: int | None) -> dict[str, str]:
    return {"min_age": str(youngest)} | ({} if oldest is None else {"max_age": str(oldest)})


def _appointments() -> dict[str, str]:
    """By year, without asking the table which years it holds."""
    this_year = timezone.localdate().year
    years = (str(this_year - ago) for ago in range(YEARS_OFFERED))
    others = {"earlier": "Earlier", "stale": f"None for {STALE_AFTER_YEARS} years", "none": "None at all"}
    return {year: year for year in years} | others


def _brands() -> list[str]:
    names = TrackerModel.objects.order_by(Lower("brand_name"), "brand_name").values_list("brand_name", flat=True)
    return list({name.casefold(): name for name in names}.values())


def _common_conditions() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_size('medical_records') / current_setting('block_size')::int")
        pages = cursor.fetchone()[0]
        cursor.execute(_COMMON_CONDITIONS, [min(100, 100 * PAGES_ASKED / max(pages, 1)), CONDITIONS_OFFERED])
        return [name for (name,) in cursor.fetchall()]
