"""A page for developers with every chart, drawn from rows that are difficult to draw."""

from collections.abc import Sequence
from typing import NamedTuple

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from reports.charts.rows import Bar, Figure, HeatCell, HeatRow, Part, StackedBar
from reports.report import StaffPage

LONG_NAME = "Fibrodysplasia ossificans progressiva with " + "an exceedingly long and unbroken" * 4
NAMES = ("Asthma", "Diabetes", "Hypertension", "Migraine", "Arthritis", "Eczema", "Anaemia", "Epilepsy")


class Sample(NamedTuple):
    title: str
    description: str
    rows: Sequence[Bar] | Sequence[StackedBar] | Sequence[HeatRow]
    columns: Sequence[str] = ()


def bars(figures: Sequence[Figure], *names: str) -> list[Bar]:
    labels = names or [f"Row {number}" for number in range(1, len(figures) + 1)]
    return [Bar(label, value, f"?bar={value}") for label, value in zip(labels, figures, strict=True)]


def stack(label: str, *values: int) -> StackedBar:
    return StackedBar(label, [Part(name, value, f"?part={name}") for name, value in zip(NAMES, values, strict=False)])


BARS = (
    Sample(
        "Age groups",
        "Four bars with links",
        bars([52022, 16887, 16130, 14961], *["51+", "19-35", "0-18", "36-50"]),
    ),
    Sample("No data", "", []),
    Sample("One row", "A single bar", bars([7], "Only")),
    Sample("Nothing but zeros", "Three bars without length", bars([0, 0, 0])),
    Sample("Zero and huge values", "From nothing to billions", bars([0, 1, 33930, 12_345_678_901])),
    Sample("Fractions", "Means and other figures with decimals", bars([0.02, 0.5, 1.25, 4.9])),
    Sample("A very long name", "Names longer than the screen", bars([20, 10], LONG_NAME, "Short")),
    Sample("No links", "Bars without links", [Bar("Female", 51, detail="51.0 %"), Bar("Male", 49, detail="49.0 %")]),
    Sample("Twelve rows", "Too many columns for a phone", bars([120_000 - number * 9_999 for number in range(12)])),
    Sample("A hundred rows", "Many bars", bars([number * number for number in range(100, 0, -1)])),
)
STACKS = (
    Sample("Age by gender", "Two parts a row", [stack("0-18", 8000, 8130), stack("51+", 26000, 26022)]),
    Sample(
        "Eight series", "Each with its colour and pattern", [stack("Honor", *[90] * 8), stack("Huawei", *range(1, 9))]
    ),
    Sample("Empty parts", "A row of nothing beside a huge one", [stack("None", 0, 0), stack(LONG_NAME, 10**9, 1)]),
    Sample("No stack", "", []),
)
HEATS = (
    Sample(
        "Condition by brand",
        "",
        [
            HeatRow(name, [HeatCell(row * column, "?cell", f"{column} %") for column in range(12)], "?row")
            for row, name in enumerate((*NAMES, LONG_NAME))
        ],
        [f"Brand {number}" for number in range(1, 13)],
    ),
    Sample("Unknown cells", "", [HeatRow("Asthma", [HeatCell(None), HeatCell(0), HeatCell(0.5)])], ["A", "B", "C"]),
    Sample("No table", "", [], ["A"]),
)


class Gallery(StaffPage):
    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if not settings.DEBUG:
            raise Http404
        return super().dispatch(request, *args, **kwargs)

    def test_func(self) -> bool:
        return self.request.user.is_staff

    def get(self, _: HttpRequest) -> HttpResponse:
        return self.page("charts/gallery", {"title": "Charts", "bars": BARS, "stacks": STACKS, "heats": HEATS})
