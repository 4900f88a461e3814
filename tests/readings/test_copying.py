"""Rows in the binary form of COPY arrive as they are."""

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from readings.store.copying import write_rows

pytestmark = pytest.mark.django_db

TYPES = {
    "patient_id": "text",
    "day": "date",
    "first_at": "timestamptz",
    "decimals": "smallint",
    "count": "integer",
    "first_time": "bigint",
    "total": "double precision",
    "proven": "boolean[]",
    "small": "smallint[]",
    "seconds": "integer[]",
    "gaps": "bigint[]",
}
SCHEMA: dict[str, Any] = {
    "patient_id": pl.String,
    "day": pl.Int32,
    "first_at": pl.Int64,
    "decimals": pl.Int8,
    "count": pl.Int32,
    "first_time": pl.Int64,
    "total": pl.Float64,
    "proven": pl.List(pl.Boolean),
    "small": pl.List(pl.Int64),
    "seconds": pl.List(pl.Int32),
    "gaps": pl.List(pl.Int64),
}


def copy(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return the rows as the database has them after COPY."""
    frame = pl.DataFrame(rows, schema=SCHEMA)
    with connection.cursor() as cursor:
        columns = ", ".join(f"{name} {kind}" for name, kind in TYPES.items())
        cursor.execute(f"CREATE TEMPORARY TABLE copied (place serial, {columns})")
        with cursor.copy(f"COPY copied ({', '.join(TYPES)}) FROM STDIN (FORMAT binary)") as copied:
            for part in write_rows(frame, TYPES):
                copied.write(part)
        cursor.execute(f"SELECT {', '.join(TYPES)} FROM copied ORDER BY place")
        found: list[tuple[Any, ...]] = cursor.fetchall()
        cursor.execute("DROP TABLE copied")
    return found


def test_values_of_every_type_arrive_and_missing_ones_are_null() -> None:
    row = {
        "patient_id": "Ä\t\\N\n1",
        "day": 19_787,
        "first_at": 1_709_593_200_123_456,
        "decimals": 3,
        "count": -1,
        "first_time": -(2**63),
        "total": 0.1,
        "proven": [True, False],
        "small": [-(2**15), -1, 0, 255, 256, 2**15 - 1],
        "seconds": [2**31 - 1, -(2**31)],
        "gaps": [0, 2**63 - 1, -(2**63), 65_536],
    }
    last = {**dict.fromkeys(TYPES), "gaps": [7]}
    expected = {
        **row,
        "day": date(2024, 3, 5),
        "first_at": datetime(2024, 3, 4, 23, 0, 0, 123_456, UTC),
    }
    assert copy([row, last, row]) == [tuple(expected.values()), tuple(last.values()), tuple(expected.values())]


@given(arrays=st.lists(st.none() | st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1), min_size=1))
def test_arrays_of_any_numbers_arrive(arrays: list[list[int] | None]) -> None:
    found = copy([{**dict.fromkeys(TYPES), "gaps": array} for array in arrays])
    assert [row[-1] for row in found] == arrays


@given(arrays=st.lists(st.lists(st.integers(0, 300), min_size=1), min_size=1))
def test_arrays_of_low_numbers_arrive(arrays: list[list[int]]) -> None:
    found = copy([{**dict.fromkeys(TYPES), "small": array, "gaps": array} for array in arrays])
    assert [(row[8], row[10]) for row in found] == [(array, array) for array in arrays]
