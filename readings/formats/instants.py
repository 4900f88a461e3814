"""Instants with their offsets, written as ISO 8601."""

import polars as pl


def write_instants(milliseconds: pl.Expr, offset: pl.Expr) -> pl.Expr:
    """Return the text of instants, which count milliseconds since 1970; the offset is in seconds.

    An offset that is null is unknown, which RFC 3339 writes as -00:00.
    """
    local = pl.from_epoch(milliseconds + offset.fill_null(0) * 1000, "ms").dt.strftime("%Y-%m-%dT%H:%M:%S%.f")
    sign = pl.when(offset.fill_null(-1) < 0).then(pl.lit("-")).otherwise(pl.lit("+"))
    minutes = offset.abs().fill_null(0) // 60
    hours, rest = (part.cast(pl.String).str.zfill(2) for part in (minutes // 60, minutes % 60))
    return pl.concat_str(local, sign, hours, pl.lit(":"), rest)
