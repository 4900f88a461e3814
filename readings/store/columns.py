"""Readings as columns: what importers give to the store, and what the store unpacks from day rows."""

import polars as pl

# One row for each reading. `stream` is a number that the caller chooses. `at` counts microseconds since 1970 in UTC;
# `length` is that of an interval in microseconds, null for instants. `utc_offset` is in seconds. The value is
# `value` / 10 ** `decimals`, with as few decimals as possible. `proven` says whether the source proves the offset.
READINGS = pl.Schema(
    {
        "stream": pl.Int32,
        "at": pl.Int64,
        "length": pl.Int64,
        "utc_offset": pl.Int32,
        "value": pl.Int64,
        "decimals": pl.Int8,
        "proven": pl.Boolean,
    }
)
# The number of the line or record in the file; for readings that are on their way into the store.
LINE = "line"
INSTANT = ("stream", "at")
MEASURED = ("length", "value", "decimals")
MICROSECONDS = 1_000_000
DAY_SECONDS = 86_400
MAX_DECIMALS = 18


def shorten_decimals(readings: pl.DataFrame) -> pl.DataFrame:
    """Return the readings with as few decimals as each value needs, so that equal values are equal columns."""
    for _ in range(MAX_DECIMALS):
        shorter = (pl.col("decimals") > 0) & (pl.col("value") % 10 == 0)
        if not readings.select(shorter.any()).item():
            break
        readings = readings.with_columns(
            value=pl.when(shorter).then(pl.col("value") // 10).otherwise("value"),
            decimals=pl.when(shorter).then(pl.col("decimals") - 1).otherwise("decimals").cast(pl.Int8),
        )
    return readings


def add_day(readings: pl.DataFrame) -> pl.DataFrame:
    """Return the readings with their local day, as days since 1970."""
    local = pl.col("at") + pl.col("utc_offset").cast(pl.Int64) * MICROSECONDS
    return readings.with_columns(day=(local // (DAY_SECONDS * MICROSECONDS)).cast(pl.Int32))


def unite_repeated(readings: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return readings of one run without repetitions, and those that contradict each other.

    Readings of one instant with equal values are one reading, whatever their offsets: a proven one is preferred, then
    the lowest. If their values differ, nobody knows which one is right, and all of them are contradictory.
    """
    if _ascend(readings):
        return readings, readings.clear()
    order = [*INSTANT, pl.col("proven").not_(), "utc_offset", *([LINE] if LINE in readings.columns else [])]
    ordered = readings.sort(order)
    repeated = (pl.col("at") == pl.col("at").shift(1)) & (pl.col("stream") == pl.col("stream").shift(1))
    ordered = ordered.with_columns(repeated=repeated.fill_null(value=False))
    if not ordered["repeated"].any():
        return ordered.drop("repeated"), ordered.drop("repeated").clear()
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in MEASURED)
    keys = ordered.filter(pl.col("repeated") & differs).select(INSTANT).unique()
    contradictory = ordered.join(keys, on=INSTANT, how="semi").drop("repeated")
    single = ordered.filter(~pl.col("repeated")).join(keys, on=INSTANT, how="anti", maintain_order="left")
    return single.drop("repeated"), contradictory


def _ascend(readings: pl.DataFrame) -> bool:
    """Return whether the readings are sorted by stream and instant, and no instant is repeated, as in most files."""
    stream, at = readings["stream"], readings["at"]
    if not stream.is_sorted():
        return False
    # The instants may only descend where the next stream begins.
    begins = (at <= at.shift(1)).arg_true()
    return bool((stream.gather(begins) != stream.gather(begins - 1)).all())
