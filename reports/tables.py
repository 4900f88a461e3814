"""A report's rows as its page shows them and its files hold them: the same columns in the same order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from healthtrack.core.text import shown
from patients.age import Band
from reports.parameters import ParameterError

Value = str | int | float | Band


@dataclass(frozen=True)
class Column:
    name: str
    label: str
    is_figure: bool = False


def figure(name: str, label: str) -> Column:
    return Column(name, label, is_figure=True)


@dataclass(frozen=True)
class Cell:
    value: Value
    href: str = ""

    @property
    def is_figure(self) -> bool:
        return isinstance(self.value, int | float)

    @property
    def text(self) -> str:
        if isinstance(self.value, float):
            return f"{self.value:.1f}"
        return f"{self.value:,}" if isinstance(self.value, int) else str(self.value)

    @property
    def in_order(self) -> tuple[int, int | float, str]:
        if isinstance(self.value, Band):
            return 0, self.value.youngest, ""
        return (1, 0, self.value.casefold()) if isinstance(self.value, str) else (0, self.value, "")


Row = Sequence[Cell]


@dataclass(frozen=True)
class Head:
    column: Column
    sorted: str  # as in aria-sort
    sort: str  # what its link asks for


def percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0.0


def sort_asked(value: str, columns: Sequence[Column], default: str) -> str:
    names = [column.name for column in columns]
    if value and value.removeprefix("-") not in names:
        raise ParameterError(
            f"sort is {shown(value)}, and the report has no such column. Write {' or '.join(names)}, with a minus sign"
            " before it for the highest first, or leave it out."
        )
    return value or default


def heads(columns: Sequence[Column], sort: str) -> Iterator[Head]:
    for column in columns:
        first, other = ("-", "") if column.is_figure else ("", "-")
        turned = sort == f"{first}{column.name}"
        state = {column.name: "ascending", f"-{column.name}": "descending"}.get(sort, "")
        yield Head(column, state, f"{other if turned else first}{column.name}")


def in_order(rows: Sequence[Row], columns: Sequence[Column], sort: str) -> list[Row]:
    """Rows that are alike in the column stay in the order in which the report gives them."""
    place = [column.name for column in columns].index(sort.removeprefix("-"))
    return sorted(rows, key=lambda row: row[place].in_order, reverse=sort.startswith("-"))


def as_values(row: Row) -> list[str | int | float]:
    return [str(cell.value) if isinstance(cell.value, Band) else cell.value for cell in row]
