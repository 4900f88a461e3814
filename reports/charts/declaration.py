"""The declaration of a chart, which pages draw as part of their HTML and files as a picture of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from reports.charts.heat import heat_table
from reports.charts.horizontal import horizontal_bars
from reports.charts.line import lines_over_time
from reports.charts.stacked import stacked_bars
from reports.charts.vertical import vertical_bars


@dataclass(frozen=True)
class Chart:
    """A chart of one kind: its title, its rows, and what they count.

    `labels` are the columns of a heat map, or the times of lines. `corner` is the heading of a heat map's first column.
    """

    title: str
    rows: Any
    description: str = ""
    unit: str = "patients"
    labels: Sequence[str] = ()
    corner: str = ""

    template: ClassVar[str] = ""

    @property
    def drawn(self) -> Any:
        """The rows with their positions."""
        raise NotImplementedError


class BarChart(Chart):
    template = "horizontal"

    @property
    def drawn(self) -> Any:
        return horizontal_bars(self.rows, self.unit)


class ColumnChart(Chart):
    template = "vertical"

    @property
    def drawn(self) -> Any:
        return vertical_bars(self.rows, self.unit)


class StackedChart(Chart):
    template = "stacked"

    @property
    def drawn(self) -> Any:
        return stacked_bars(self.rows, self.unit)


class LineChart(Chart):
    template = "line"

    @property
    def drawn(self) -> Any:
        return lines_over_time(self.labels, self.rows, self.unit)


class HeatMap(Chart):
    template = "heat"

    @property
    def drawn(self) -> Any:
        return heat_table(self.labels, self.rows)
