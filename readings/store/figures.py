"""The figures of day rows: what reports need of the readings, without their arrays."""

import polars as pl

from readings.store.columns import DAY_SECONDS, MICROSECONDS, add_day
from readings.store.packing import KEY

# A reading without neighbours covers a minute. Otherwise it covers the time until the next one, at most twice the
# median gap of the day: one missing reading is no gap, two are.
_ALONE = 60 * MICROSECONDS
_TOLERANCE = 2
_DAY = DAY_SECONDS * MICROSECONDS
_FIGURES = ("counted", "seconds_covered", "lowest", "highest", "total", "total_of_squares", "range_seconds")

# The ranges of streams whose metric has any: ascending `limits` in the stream's unit. A value that equals a limit
# belongs to the range above it among the first `lower` limits, and below it among the others.
RANGES = pl.Schema({"stream": pl.Int32, "limits": pl.List(pl.Float64), "lower": pl.Int32})  # type: ignore[arg-type]  # a list type


def add_figures(rows: pl.DataFrame, readings: pl.DataFrame, ranges: pl.DataFrame) -> pl.DataFrame:
    """Return the day rows with the figures of these readings, which are those of the rows that are not excluded."""
    ordered = add_day(readings).sort([*KEY, "at"])
    covered = _add_coverage(ordered.with_columns(number=pl.col("value") / pl.lit(10.0).pow(pl.col("decimals"))))
    figures = covered.group_by(KEY, maintain_order=True).agg(
        pl.len().cast(pl.Int32).alias("counted"),
        (pl.col("covered").sum() // MICROSECONDS).cast(pl.Int32).alias("seconds_covered"),
        pl.col("number").min().alias("lowest"),
        pl.col("number").max().alias("highest"),
        pl.col("number").sum().alias("total"),
        (pl.col("number") ** 2).sum().alias("total_of_squares"),
    )
    figures = figures.join(_sum_ranges(covered, ranges), on=KEY, how="left")
    joined = rows.drop(_FIGURES, strict=False).join(figures, on=KEY, how="left", maintain_order="left")
    return joined.with_columns(pl.col("counted", "seconds_covered", "total", "total_of_squares").fill_null(0))


def _add_coverage(ordered: pl.DataFrame) -> pl.DataFrame:
    """Return the sorted readings with the microseconds that each of them covers, together at most a day."""
    following = pl.all_horizontal(pl.col(name) == pl.col(name).shift(-1) for name in KEY)
    ordered = ordered.with_columns(
        until_next=pl.when(following).then(pl.col("at").shift(-1) - pl.col("at")),
        row=pl.any_horizontal(pl.col(name) != pl.col(name).shift(1) for name in KEY).fill_null(value=False).cum_sum(),
    )
    median = ordered.group_by("row", maintain_order=True).agg(pl.col("until_next").median())["until_next"]
    median = median.cast(pl.Int64).gather(ordered["row"])
    until_next = pl.min_horizontal("until_next", (median * _TOLERANCE).alias("most"))
    instant = pl.when(following).then(until_next).otherwise(median.fill_null(_ALONE))
    # Intervals that overlap cover their common time once.
    interval = pl.min_horizontal("length", "until_next")
    covered = pl.when(pl.col("length").is_null()).then(instant).otherwise(interval)
    ordered = ordered.with_columns(covered=covered, before=covered.cum_sum() - covered)
    # What the readings before it in its row cover.
    before = pl.col("before") - pl.col("before").first().over("row")
    return ordered.with_columns(covered=pl.col("covered").clip(upper_bound=pl.max_horizontal(_DAY - before, 0)))


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
