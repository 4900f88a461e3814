"""The rows of a run that cannot be read: counted all, and listed up to a limit, with place, value and reason."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple

import polars as pl
from django.db import connection

from healthtrack.imports import staging_tables
from healthtrack.imports.row_errors import RowError
from healthtrack.imports.staging_tables import STAGING_SCHEMA
from readings.formats.batch import LINE
from readings.importing.checking import REASONS
from readings.importing.shared_devices import SharedDay
from readings.store.siblings import OTHER

MAX_LISTED = 10_000
MAX_FIRST = 5  # of a group
MIN_LISTED = 100  # of each reason, however many rows have others
# The number of the part, and of the line within it, are one number in the store: line + part * this.
LINES_OF_PART = 2**40
_OTHER = "other"


# What a row of the table begins with: part, its name, the word for positions, line, column, value and reason.
_Row = tuple[int, str, str, int | None, str, str, str]
_GROUPS = """
    SELECT * FROM (
        SELECT part_name, position, line, field, value, reason, others, min(place) OVER same AS first,
               sum(coalesce(others, 1)) OVER same AS total,
               row_number() OVER (PARTITION BY field, reason ORDER BY others NULLS FIRST, place) AS number
          FROM (SELECT *, row_number() OVER (ORDER BY part, line, others NULLS FIRST) AS place FROM {table}) AS placed
        WINDOW same AS (PARTITION BY field, reason)) AS counted
     WHERE number <= %s ORDER BY first, field, reason, number
"""


class Place(NamedTuple):
    """A part of an upload: its number, its name if there are several, and the word for positions in it."""

    part: int
    name: str
    position: str


class Unreadable(NamedTuple):
    """A row that cannot be read; `position` is the word for what `line` counts."""

    part: str
    position: str
    line: int | None
    column: str
    value: str
    reason: str

    @property
    def place(self) -> str:
        """Return the position for people, such as Line 3; empty for an error of the file as a whole."""
        return f"{self.position or 'line'} {self.line}".capitalize() if self.line else ""

    def __str__(self) -> str:
        error = str(RowError(self.reason, None, ", ".join(filter(None, (self.place, self.column))), self.value))
        return f"{self.part}: {error}" if self.part else error


class Group(NamedTuple):
    """Rows that cannot be read for one reason in one column: how many there are, and the first of them."""

    column: str
    reason: str
    total: int
    first: Sequence[Unreadable]

    @property
    def rest(self) -> int:
        """Return how many rows there are besides the first ones."""
        return self.total - len(self.first)


class UnreadableRows:
    """Collects the rows of a run that cannot be read, in a staging table that outlives the run until its retention."""

    def __init__(self, run_id: int) -> None:
        self.table = f"{STAGING_SCHEMA}.run_{run_id:d}_invalid_rows"
        self.counts: dict[str, int] = {}

    def create(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                f"CREATE TABLE {self.table} (part integer, part_name text, position text, line bigint, field text,"
                " value text, reason text, others bigint)"
            )

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def add_lines(self, place: Place, errors: Sequence[RowError]) -> None:
        """Add positions that are not rows."""
        rows = [(*place, each.line, each.column, each.value or "", each.reason) for each in errors]
        self._add(_OTHER, len(errors), rows)

    def add_rows(self, place: Place, rows: pl.DataFrame) -> None:
        """Add checked rows, which have a `code`."""
        shown = rows.rename({"value_text": "value", "value": "value_number"})
        for (code,), alike in shown.group_by("code", maintain_order=True):
            column, reason = REASONS[str(code)]
            listed = alike.select(LINE, pl.col(column).fill_null("").alias("cell")).head(MAX_LISTED).iter_rows()
            self._add(str(code), len(alike), [(*place, line, column, cell[:101], reason) for line, cell in listed])

    def add_contradictory(self, places: Mapping[int, Place], readings: pl.DataFrame) -> None:
        """Add readings that contradict others, perhaps with `OTHER`; lines include the number of the part."""
        empty = pl.DataFrame(schema={LINE: pl.Int64, **OTHER})
        named = pl.concat([readings, empty], how="diagonal").with_columns(
            code=pl.when(pl.col("other_value").is_null())
            .then(pl.lit("contradictory"))
            .when(pl.col("other_line").is_null())
            .then(pl.lit("stored_in_another_unit"))
            .otherwise(pl.lit("contradictory_units"))
        )
        for (code,), alike in named.group_by("code", maintain_order=True):
            column, reason = REASONS[str(code)]
            rows: list[_Row] = []
            for row in alike.head(MAX_LISTED).iter_rows(named=True):
                part, line = divmod(row[LINE] or 0, LINES_OF_PART)
                place = places[part] if line else Place(0, "", "")
                rows.append((*place, line or None, column, _describe_values(row, places), reason))
            self._add(str(code), len(alike), rows)

    def add_contradictory_episodes(self, places: Mapping[int, Place], lines: Sequence[int]) -> None:
        """Add nights and workouts that contradict each other; their lines include the number of the part."""
        column, reason = REASONS["contradictory_episodes"]
        found = [divmod(number, LINES_OF_PART) for number in lines]
        rows = [(*places[part], line, column, "", reason) for part, line in found[:MAX_LISTED]]
        self._add("contradictory_episodes", len(lines), rows)

    def add_shared(self, places: Mapping[int, Place], days: Sequence[SharedDay]) -> None:
        """Add days of readings that name the device of another patient; their lines include the number of the part."""
        column, reason = REASONS["shared_device"]
        rows: list[_Row] = []
        for day in days:
            found = [divmod(number, LINES_OF_PART) for number in (day.lines or ())[: MAX_LISTED - len(rows)]]
            rows += [(*places[part], line, column, day.serial_number, reason) for part, line in found]
        if days:
            rows = rows or [(0, "", "", None, column, days[0].serial_number, reason)]
            self._add("shared_device", sum(day.readings for day in days), rows)

    def _add(self, code: str, count: int, rows: Sequence[_Row]) -> None:
        """Add the first rows, and for each reason how many others there are."""
        before = self.counts.get(code, 0)
        listed = rows[: max(MAX_LISTED - self.total, MIN_LISTED - before if code in REASONS else 0, 0)]
        others = Counter((*row[:3], None, row[4], "", row[6]) for row in rows[len(listed) :])
        if count > len(rows):
            others[(*rows[0][:3], None, rows[0][4], "", rows[0][6])] += count - len(rows)
        self.counts[code] = before + count
        with connection.cursor() as cursor, cursor.copy(f"COPY {self.table} FROM STDIN") as copy:
            for row, number in [*((row, None) for row in listed), *others.items()]:
                copy.write_row([*(part.replace("\0", "�") if isinstance(part, str) else part for part in row), number])


def _describe_values(row: Mapping[str, Any], places: Mapping[int, Place]) -> str:
    """Return the value of a contradictory reading; and the other one with its place, if that is in another unit."""
    value = _to_text(row["value"], row["decimals"])
    if row["other_value"] is None:
        return value
    part, line = divmod(row["other_line"] or 0, LINES_OF_PART)
    if line:
        found = Unreadable(places[part].name, places[part].position, line, "", "", "")
        place = f"in {found.part}, {found.place.lower()}" if found.part else f"in {found.place.lower()}"
    else:
        place = f"in import {row['other_run']}" if row["other_run"] else "in earlier imports"
    other = _to_text(row["other_value"], row["other_decimals"])
    return f"{value} {row['unit']}, but {other} {row['other_unit']} {place}"


def _to_text(value: int, decimals: int) -> str:
    return f"{Decimal(value).scaleb(-decimals):f}"


def list_unreadable(run_id: int) -> Iterator[Unreadable]:
    """Yield the listed rows of a run that cannot be read, in the order of the files."""
    table = UnreadableRows(run_id).table
    if not staging_tables.exists(table):
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT part_name, position, line, field, value, reason FROM {table}"  # noqa: S608 (own name)
            " WHERE others IS NULL ORDER BY part, line LIMIT %s",
            [MAX_LISTED],
        )
        yield from map(Unreadable._make, cursor.fetchall())


def group_unreadable(run_id: int) -> list[Group]:
    """Return the rows of a run that cannot be read by column and reason, in the order of the first of each."""
    table = UnreadableRows(run_id).table
    if not staging_tables.exists(table):
        return []
    with connection.cursor() as cursor:
        cursor.execute(_GROUPS.format(table=table), [MAX_FIRST])
        rows = cursor.fetchall()
    groups = []
    for (column, reason, total), alike in groupby(rows, key=lambda row: (row[3], row[5], row[8])):
        first = [Unreadable(*row[:6]) for row in alike if row[6] is None]
        groups.append(Group(column, reason, int(total), first))
    return groups
