"""Day rows on their way into and out of PostgreSQL, by COPY."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from django.db.backends.utils import CursorWrapper

from readings.store.copying import write_rows
from readings.store.packing import is_small

# Columns of a day row by name, each with its type in PostgreSQL.
ARRAYS: Mapping[str, str] = {
    "first_at": "timestamptz",
    "last_at": "timestamptz",
    "time_decimals": "smallint",
    "value_decimals": "smallint",
    "first_time": "bigint",
    "small_gaps": "smallint[]",
    "gaps": "bigint[]",
    "small_values": "smallint[]",
    "large_values": "bigint[]",
    "lengths": "bigint[]",
    "offsets_proven": "boolean[]",
    "reading_count": "integer",
}
FIGURES: Mapping[str, str] = {
    "counted": "integer",
    "seconds_covered": "integer",
    "lowest": "double precision",
    "highest": "double precision",
    "total": "double precision",
    "total_of_squares": "double precision",
    "range_seconds": "integer[]",
}
# The columns of lists that have one for numbers of 16 bits and one for larger numbers.
_GAPS, _VALUES = ("small_gaps", "gaps"), ("small_values", "large_values")
# What makes two rows of one day and offset hold the same readings, beside their gaps.
_CONTENT = ("first_time", "time_decimals", "value_decimals", *_VALUES, "lengths", "offsets_proven")
LISTS = (*_GAPS, *_VALUES, "lengths")
# Arrays of 16 bits in rows of fewer readings may be too short for PostgreSQL to compress them.
LONG_ROW = 1_000
# The columns of all tables that rows are copied into.
_COLUMNS: Mapping[str, str] = {
    "patient_id": "text",
    "stream_id": "integer",
    "stream": "integer",
    "day": "date",
    "utc_offset": "integer",
    "run_id": "bigint",
    "same_as": "bigint",
    "lines": "bigint[]",
    **ARRAYS,
    **FIGURES,
}
# How `fetch` receives the columns that `unpack` needs.
_FETCHED = pl.Schema(
    {
        "stream": pl.Int32,
        "day": pl.Int32,
        "utc_offset": pl.Int32,
        "time_decimals": pl.Int8,
        "value_decimals": pl.Int8,
        "first_time": pl.Int64,
        "gaps": pl.String,
        "values": pl.String,
        "lengths": pl.String,
        "offsets_proven": pl.String,
    }
)


def comma(names: Sequence[str], alias: str = "") -> str:
    """Return the names of columns separated by commas, each after the alias of its table if there is one."""
    return ", ".join(f"{alias}.{name}" if alias else name for name in names)


def same_content(left: str, right: str) -> str:
    """Return the SQL condition that two rows, given by their aliases, hold the same readings.

    It compares the bytes of arrays, which is quicker than to compare their elements. It compares gaps one by one only
    for rows that were stored before the column `small_gaps` existed.
    """
    gaps = [f"coalesce({row}.small_gaps::bigint[], {row}.gaps)" for row in (left, right)]
    return f"({_same(_CONTENT, left, right)} AND ({_same(_GAPS, left, right)} OR {' = '.join(gaps)}))"


def _same(names: Sequence[str], left: str, right: str) -> str:
    return f"ROW({comma(names, left)})::record *= ROW({comma(names, right)})::record"


def copy_in(cursor: CursorWrapper, table: str, rows: pl.DataFrame) -> None:
    """Add rows, with columns as in the table; of `values` and `gaps`, each list goes to the column of its size."""
    if rows.is_empty():
        return
    if "values" in rows.columns:
        rows = _divide(rows, "values", is_small("values"), *_VALUES)
        rows = _divide(rows, "gaps", (pl.col("gaps").list.len() >= LONG_ROW) & is_small("gaps"), *_GAPS)
    rows = rows.select(column for column in rows if column.null_count() < len(rows))
    with cursor.copy(f"COPY {table} ({comma(rows.columns)}) FROM STDIN (FORMAT binary)") as copy:
        for part in write_rows(rows, _COLUMNS):
            copy.write(part)


def _divide(rows: pl.DataFrame, name: str, condition: pl.Expr, small: str, large: str) -> pl.DataFrame:
    """Return the rows with their lists of this name in the column `small` where the condition is true, or `large`."""
    is_small = rows.select(condition).to_series()
    if is_small.all() or not is_small.any():
        return rows.rename({name: small if is_small.all() else large})
    lists = {small: pl.when(is_small).then(name), large: pl.when(~is_small).then(name)}
    return rows.select(pl.exclude(name), **lists)


def select_packed(key: str, *others: str, alias: str = "rows") -> str:
    """Return the select list for `fetch`: the columns of a packed row, with `key` as its stream."""
    names = [f"{alias}.{name}" for name in ("utc_offset", "time_decimals", "value_decimals", "first_time")]
    gaps, values = (
        f"coalesce(array_to_string({alias}.{small}, ','), array_to_string({alias}.{large}, ','))"
        for small, large in (_GAPS, _VALUES)
    )
    lists = [f"array_to_string({alias}.{name}, ',')" for name in ("lengths", "offsets_proven")]
    return ", ".join([key, f"{alias}.day - DATE '1970-01-01'", *names, gaps, values, *lists, *others])


def fetch(
    cursor: CursorWrapper, query: str, values: Mapping[str, Any], others: Mapping[str, Any] | None = None
) -> pl.DataFrame:
    """Return packed rows from a query that begins with `select_packed`, with other columns of these types.

    A column `lines` among the others is a list.
    """
    schema = {**_FETCHED, **(others or {})}
    received = io.BytesIO()
    # Not by Django's cursor, whose form for debugging takes no values.
    with cursor.cursor.copy(f"COPY ({query}) TO STDOUT", values) as copy:
        for piece in copy:
            received.write(piece)
    if not received.tell():
        rows = pl.DataFrame(schema=schema)
    else:
        received.seek(0)
        rows = pl.read_csv(
            received, has_header=False, separator="\t", null_values="\\N", quote_char=None, schema=schema
        )
    lists = [name for name in ("gaps", "values", "lengths", "lines") if name in schema]
    return rows.with_columns(
        *(pl.col(name).str.split(",").cast(pl.List(pl.Int64)) for name in lists),
        offsets_proven=pl.col("offsets_proven").str.split(",").list.eval(pl.element() == "t"),
    )
