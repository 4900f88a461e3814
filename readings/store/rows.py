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
# What makes two rows of one day and offset hold the same readings.
CONTENT = (
    *("first_time", "time_decimals", "value_decimals", "gaps"),
    *("small_values", "large_values", "lengths", "offsets_proven"),
)
LISTS = ("gaps", "small_values", "large_values", "lengths")
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

    It compares the bytes of arrays, which is quicker than to compare their elements.
    """
    return f"ROW({comma(CONTENT, left)})::record *= ROW({comma(CONTENT, right)})::record"


def copy_in(cursor: CursorWrapper, table: str, rows: pl.DataFrame) -> None:
    """Add rows, with columns as in the table; `values` becomes the column of the size that fits."""
    if rows.is_empty():
        return
    if "values" in rows.columns:
        rows = _divide_values(rows)
    rows = rows.select(column for column in rows if column.null_count() < len(rows))
    with cursor.copy(f"COPY {table} ({comma(rows.columns)}) FROM STDIN (FORMAT binary)") as copy:
        for part in write_rows(rows, _COLUMNS):
            copy.write(part)


def _divide_values(rows: pl.DataFrame) -> pl.DataFrame:
    small = is_small(rows)
    if small.all():
        return rows.rename({"values": "small_values"})
    return rows.with_columns(
        small_values=pl.when(small).then("values"), large_values=pl.when(~small).then("values")
    ).drop("values")


def select_packed(key: str, *others: str, alias: str = "rows") -> str:
    """Return the select list for `fetch`: the columns of a packed row, with `key` as its stream."""
    names = [f"{alias}.{name}" for name in ("utc_offset", "time_decimals", "value_decimals", "first_time")]
    values = f"coalesce(array_to_string({alias}.small_values, ','), array_to_string({alias}.large_values, ','))"
    lists = [f"array_to_string({alias}.{name}, ',')" for name in ("lengths", "offsets_proven")]
    gaps = f"array_to_string({alias}.gaps, ',')"
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
