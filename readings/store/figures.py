"""The figures of day rows: what reports need of the readings, without their arrays."""

import polars as pl

from readings.store.columns import DAY_SECONDS, MAX_DECIMALS, MICROSECONDS
from readings.store.packing import KEY, has_lengths, order

# A reading without neighbours covers a minute. Otherwise it covers the time until the next one, at most twice the
# median gap of the day: one missing reading is not a gap, two are.
_ALONE = 60 * MICROSECONDS
_TOLERANCE = 2
_DAY = DAY_SECONDS * MICROSECONDS
_FIGURES = ("counted", "seconds_covered", "lowest", "highest", "total", "total_of_squares", "range_seconds")

# The ranges of streams whose metric has any: ascending `limits` in the stream's unit. A value that equals a limit
# belongs to the range above it among the first `lower` limits, and below it among the others.
RANGES = pl.Schema({"stream": pl.Int32, "limits": pl.List(pl.Float64), "lower": pl.Int32})  # type: ignore[arg-type]  # a list type


def add_figures(rows: pl.DataFrame, readings: pl.DataFrame, ranges: pl.DataFrame) -> pl.DataFrame:
    """Return the day rows with the figures of these readings, which are those of the rows that are not excluded."""
    ordered = order(readings)
    powers = pl.Series([10.0**places for places in range(MAX_DECIMALS + 1)])
    covered = _add_coverage(ordered.with_columns(number=ordered["value"] / powers.gather(ordered["decimals"])))
    figures = covered.group_by("row", maintain_order=True).agg(
        *(pl.col(name).first() for name in KEY),
        pl.len().cast(pl.Int32).alias("counted"),
        (pl.col("covered").sum() // MICROSECONDS).cast(pl.Int32).alias("seconds_covered"),
        pl.col("number").min().alias("lowest"),
        pl.col("number").max().alias("highest"),
        pl.col("number").sum().alias("total"),
        (pl.col("number") ** 2).sum().alias("total_of_squares"),
    )
    figures = figures.drop("row").join(_sum_ranges(covered, ranges), on=KEY, how="left")
    joined = rows.drop(_FIGURES, strict=False).join(figures, on=KEY, how="left", maintain_order="left")
    return joined.with_columns(pl.col("counted", "seconds_covered", "total", "total_of_squares").fill_null(0))


def _add_coverage(ordered: pl.DataFrame) -> pl.DataFrame:
    """Return the sorted readings with the microseconds that each of them covers, together at most a day."""
    row = ordered["row"]
    following = pl.col("row") == pl.col("row").shift(-1)
    ordered = ordered.with_columns(until_next=pl.when(following).then(pl.col("at").shift(-1) - pl.col("at")))
    by_row = ordered.group_by("row", maintain_order=True).agg(pl.col("until_next").median().cast(pl.Int64), pl.len())
    usual = by_row["until_next"]
    until_next = pl.min_horizontal("until_next", (usual * _TOLERANCE).gather(row).alias("most"))
    covered = pl.when(pl.col("until_next").is_null()).then(usual.fill_null(_ALONE).gather(row)).otherwise(until_next)
    if has_lengths(ordered):
        # Intervals that overlap cover their common time once.
        interval = pl.min_horizontal("length", "until_next")
        covered = pl.when(pl.col("length").is_null()).then(covered).otherwise(interval)
    ordered = ordered.with_columns(covered=covered)
    # What the readings before it in its row cover.
    before = ordered["covered"].cum_sum() - ordered["covered"]
    before -= before.gather(by_row["len"].cum_sum() - by_row["len"]).gather(row)
    return ordered.with_columns(covered=pl.min_horizontal("covered", (_DAY - before).clip(0)))


def _sum_ranges(covered: pl.DataFrame, ranges: pl.DataFrame) -> pl.DataFrame:
    """Return the seconds covered in each range, for the day rows of streams with ranges."""
    with_ranges = covered.join(ranges, on="stream", how="inner")
    most = int(ranges["limits"].list.len().max() or 0)  # type: ignore[arg-type]  # a number
    passed = [
        pl.when(pl.lit(place) < pl.col("lower"))
        .then(pl.col("number") >= pl.col("limits").list.get(place, null_on_oob=True))
        .otherwise(pl.col("number") > pl.col("limits").list.get(place, null_on_oob=True))
        .fill_null(value=False)
        .cast(pl.Int32)
        for place in range(most)
    ]
    ranged = with_ranges.with_columns(range=pl.sum_horizontal(pl.lit(0, pl.Int32), *passed))
    seconds = [
        (pl.col("covered").filter(pl.col("range") == place).sum() // MICROSECONDS)
        .cast(pl.Int32)
        .alias(f"range_{place}")
        for place in range(most + 1)
    ]
    sums = ranged.group_by(KEY, maintain_order=True).agg(*seconds, pl.col("limits").first().list.len())
    names = [f"range_{place}" for place in range(most + 1)]
    return sums.select(*KEY, range_seconds=pl.concat_list(names).list.head(pl.col("limits") + 1))
