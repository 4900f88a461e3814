"""Times as milliseconds since 1970 and an offset in seconds, written as ISO 8601."""

from collections.abc import Sequence

import polars as pl

from readings.formats.instants import write_instants

_MAX_OFFSET = 18 * 3600
# The years that ISO 8601 writes with four digits.
_FIRST, _LAST = -62_135_596_800_000, 253_402_300_799_999


def format_times(rows: pl.DataFrame, times: Sequence[tuple[str, str]]) -> pl.DataFrame:
    """Return the rows with `start`, and with `end` if there are two times.

    `times` has the names of a column with milliseconds and one with the offset, both as text. What is not a time stays
    as it is, so that the reader reports it. An offset that is missing is unknown, which RFC 3339 writes as -00:00.
    """
    names = ["start", "end"][: len(times)]
    return rows.with_columns(
        _format(column, offset).alias(name) for name, (column, offset) in zip(names, times, strict=True)
    )


def _format(column: str, offset: str) -> pl.Expr:
    instant = pl.col(column).cast(pl.Int64, strict=False)
    seconds = pl.col(offset).cast(pl.Int64, strict=False)
    is_time = instant.is_between(_FIRST + _MAX_OFFSET * 1000, _LAST - _MAX_OFFSET * 1000)
    is_offset = pl.col(offset).is_null() | (seconds.abs().le(_MAX_OFFSET) & (seconds % 60 == 0)).fill_null(value=False)
    written = write_instants(pl.when(is_time & is_offset).then(instant), seconds)
    raw = pl.when(is_offset).then(pl.col(column)).otherwise(pl.concat_str(column, pl.lit(" offset "), offset))
    return pl.coalesce(written, raw)
