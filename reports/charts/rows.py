"""The data of a chart."""

from collections.abc import Sequence
from dataclasses import dataclass

Figure = int | float


@dataclass(frozen=True)
class Bar:
    label: str
    value: Figure
    href: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Part:
    series: str
    value: Figure
    href: str = ""


@dataclass(frozen=True)
class StackedBar:
    label: str
    parts: Sequence[Part]


@dataclass(frozen=True)
class Line:
    """A series over time, with a value for each label of the chart."""

    series: str
    values: Sequence[Figure]
    hrefs: Sequence[str] = ()


@dataclass(frozen=True)
class HeatCell:
    """A cell of a heat map; a total of others is not shaded."""

    value: Figure | None
    href: str = ""
    detail: str = ""
    is_total: bool = False


@dataclass(frozen=True)
class HeatRow:
    label: str
    cells: Sequence[HeatCell]
    href: str = ""
