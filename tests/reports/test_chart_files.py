"""Charts as files: SVG that needs nothing else, and PNG."""

import re
import struct

import pytest
from django.test import Client
from lxml import etree

from reports.charts.declaration import BarChart, ColumnChart, HeatMap, LineChart, StackedChart
from reports.charts.files import FONT, SERIES, WIDTH, draw_png, draw_svg
from reports.charts.rows import Bar, Line
from reports.registry import reports
from reports.views.chart_gallery import BARS, HEATS, LONG_NAME, STACKS
from tests.support import factories
from tests.support.chart_colors import colors
from tests.support.page_permissions import REPORT_PERMISSIONS
from tests.support.signing_in import SignIn

SVG = "{http://www.w3.org/2000/svg}"
PAGES = [f"/reports/{report.name}/" for report in reports()]
LINES = [
    LineChart("Lines", [Line(f"Line {number}", [1, number]) for number in range(12)], labels=["Jan", "Feb"]),
    LineChart("One line", [Line("", [1])], labels=["Jan"]),
    LineChart("No line", []),
]
CHARTS = [
    *(kind(sample.title, sample.rows) for kind in (BarChart, ColumnChart) for sample in BARS),
    *(StackedChart(sample.title, sample.rows) for sample in STACKS),
    *(HeatMap(sample.title, sample.rows, labels=sample.columns) for sample in HEATS),
    *LINES,
]


def size_of(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


@pytest.fixture
def analyst(sign_in: SignIn) -> Client:
    record = factories.medical_record("P1", medical_conditions="Asthma")
    factories.link(record, factories.tracker_model())
    factories.medical_record("P2", tracker="Nobody's Watch")
    return sign_in(*REPORT_PERMISSIONS, "patients.view_medicalrecord")


@pytest.mark.parametrize("address", PAGES)
def test_every_report_offers_its_chart_as_svg_and_png(analyst: Client, address: str) -> None:
    svg = analyst.get(f"{address}?gender=F&format=svg")
    assert svg["Content-Type"].startswith("image/svg+xml")
    assert re.search(r'^attachment; filename="[a-z-]+_gender-f_[\d-]+\.svg"$', svg["Content-Disposition"])
    root = etree.fromstring(svg.content)
    words = [text.text or "" for text in root.iter(f"{SVG}text")]
    assert words[1] == "Filters: Gender: Female"
    assert words[2].endswith(" UTC by staff")
    assert not root.findall(f".//{SVG}a")
    png = analyst.get(f"{address}?gender=F&format=png")
    assert png["Content-Type"] == "image/png"
    assert size_of(png.content)[0] == 2 * WIDTH


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: f"{type(chart).__name__} {chart.title}")
def test_a_file_is_well_formed_and_refers_to_nothing_outside(chart: BarChart) -> None:
    svg = draw_svg(chart, ["Filters: none"])
    root = etree.fromstring(svg.encode())
    outside = [
        value for element in root.iter() for value in element.attrib.values() if re.search(r"https?:|data:", value)
    ]
    assert outside == []
    assert re.findall(r"url\((?!#)|@import|<script|var\(|style=", svg) == []
    styles = root.findtext(f"{SVG}style") or ""
    classes = {name for element in root.iter() for name in element.get("class", "").split()}
    assert {name for name in classes if not re.search(rf"\.{name}\b", styles)} <= {"chart-label"}  # as other texts
    assert size_of(draw_png(svg))[1] == 2 * int(root.get("height", "0"))


def test_markup_in_names_is_text() -> None:
    svg = draw_svg(BarChart("<b>&", [Bar("<script>alert(1)</script>", 1)]), ["<i>"])
    words = [text.text for text in etree.fromstring(svg.encode()).iter(f"{SVG}text")]
    assert words[0] == "<b>&"
    assert "<script>alert(1)</script>" in words


def test_the_colours_are_the_light_ones_of_the_pages() -> None:
    assert list(SERIES) == colors(0)


def test_the_font_has_what_names_are_written_with() -> None:
    assert FONT.stat().st_size < 200_000
    plain, bare = (draw_png(draw_svg(BarChart("", [Bar(name, 1)]), [])) for name in ("Größe Ελλάδα Имя", ""))
    assert plain != bare


def test_long_headings_are_cut_off() -> None:
    svg = draw_svg(HeatMap("", HEATS[0].rows, labels=[LONG_NAME] * 12), [])
    assert LONG_NAME not in svg
