"""The rows of a report's table and files, with the same columns in the same order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from healthtrack.core.text import quote
from patients.age import Band
from reports.parameters import ParameterError

Value = str | int | float | Band


@dataclass(frozen=True)
class Column:
    name: str
    label: str
    is_figure: bool = False


def figure(name: str, label: str) -> Column:
    """Return a column of numbers."""
    return Column(name, label, is_figure=True)


@dataclass(frozen=True)
class Cell:
    value: Value
    href: str = ""
    shown: str = ""  # on the page, if it is not the value

    @property
    def is_figure(self) -> bool:
        return isinstance(self.value, int | float)

    @property
    def text(self) -> str:
        if self.shown:
            return self.shown
        if isinstance(self.value, float):
            return f"{self.value:.1f}"
        return f"{self.value:,}" if isinstance(self.value, int) else str(self.value)

    @property
    def sort_key(self) -> tuple[int, int | float, str]:
        if isinstance(self.value, Band):
            return 0, self.value.youngest, ""
        return (1, 0, self.value.casefold()) if isinstance(self.value, str) else (0, self.value, "")


Row = Sequence[Cell]


@dataclass(frozen=True)
class Head:
    column: Column
    sorted: str  # as in aria-sort
    sort: str  # the value of `sort` in its link


def percent(part: int, whole: int) -> float:
    """Return the share in percent, with one decimal."""
    return round(100 * part / whole, 1) if whole else 0.0


def parse_sort(value: str, columns: Sequence[Column], default: str) -> str:
    """Return the name of the column to sort by, with a minus sign for descending order."""
    names = [column.name for column in columns]
    if value and value.removeprefix("-") not in names:
        raise ParameterError(
            "sort",
            f"{quote(value)} is not a valid value for “sort”. Use {' or '.join(names)}, with a minus sign in front for"
            " descending order.",
        )
    return value or default


def build_heads(columns: Sequence[Column], sort: str) -> Iterator[Head]:
    """Yield the column headings; the link of the sorted column reverses the order."""
    for column in columns:
        first, other = ("-", "") if column.is_figure else ("", "-")
        is_sorted = sort == f"{first}{column.name}"
        state = {column.name: "ascending", f"-{column.name}": "descending"}.get(sort, "")
        yield Head(column, state, f"{other if is_sorted else first}{column.name}")


def sort_rows(rows: Sequence[Row], columns: Sequence[Column], sort: str) -> list[Row]:
    """Return the rows sorted by a column; rows with equal values stay in their order."""
    place = [column.name for column in columns].index(sort.removeprefix("-"))
    return sorted(rows, key=lambda row: row[place].sort_key, reverse=sort.startswith("-"))


def get_values(row: Row) -> list[str | int | float]:
    """Return the row's values for a file."""
    return [str(cell.value) if isinstance(cell.value, Band) else cell.value for cell in row]
