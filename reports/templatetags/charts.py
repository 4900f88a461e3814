from collections.abc import Sequence

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.text import slugify

from reports.charts.declaration import Chart
from reports.charts.heat import HeatTable, heat_table
from reports.charts.horizontal import horizontal_bars
from reports.charts.line import lines_over_time
from reports.charts.rows import Bar, HeatRow, Line, StackedBar
from reports.charts.stacked import stacked_bars
from reports.charts.vertical import vertical_bars

register = template.Library()


@register.inclusion_tag("reports/charts/horizontal.html")
def bar_chart(
    rows: Sequence[Bar], title: str, description: str = "", unit: str = "patients", height: int = 0
) -> dict[str, object]:
    """Draw horizontal bars, which are thicker if they would leave some of the height empty."""
    return {**_heading(rows, title, description), "chart": horizontal_bars(rows, unit, height)}


@register.inclusion_tag("reports/charts/vertical.html")
def column_chart(rows: Sequence[Bar], title: str, description: str = "", unit: str = "patients") -> dict[str, object]:
    """Draw vertical bars."""
    return {**_heading(rows, title, description), "chart": vertical_bars(rows, unit)}


@register.inclusion_tag("reports/charts/line.html")
def line_chart(
    labels: Sequence[str], lines: Sequence[Line], title: str, description: str = "", unit: str = "patients"
) -> dict[str, object]:
    """Draw a line for each series; each has a value for each label."""
    return {**_heading(lines, title, description), "chart": lines_over_time(labels, lines, unit)}


@register.inclusion_tag("reports/charts/stacked.html")
def stacked_chart(
    rows: Sequence[StackedBar], title: str, description: str = "", unit: str = "patients"
) -> dict[str, object]:
    """Draw stacked bars with a legend."""
    return {**_heading(rows, title, description), "chart": stacked_bars(rows, unit)}


@register.inclusion_tag("reports/charts/heat.html", name="heat_table")
def shaded_table(
    columns: Sequence[str], rows: Sequence[HeatRow], title: str, corner: str = ""
) -> dict[str, HeatTable | str]:
    """Draw a heat map."""
    return {"title": title, "id": _id(title), "corner": corner, "table": heat_table(columns, rows)}


@register.simple_tag
def draw_chart(chart: Chart) -> SafeString:
    """Draw a declared chart."""
    drawn = chart.drawn
    context = {
        **_heading(chart.rows, chart.title, chart.description),
        "chart": drawn,
        "table": drawn,
        "corner": chart.corner,
    }
    return render_to_string(f"reports/charts/{chart.template}.html", context)


def _heading(
    rows: Sequence[Bar] | Sequence[StackedBar] | Sequence[Line], title: str, description: str
) -> dict[str, object]:
    return {"title": title, "description": description, "id": _id(title), "is_empty": not rows}


def _id(title: str) -> str:
    """Return an id made of the title, which is unique on the page."""
    return f"chart-{slugify(title)}"
