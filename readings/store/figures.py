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
    ordered = ordered.with_columns(number=_to_number(ordered))
    number, gap = pl.col("number"), pl.col("gap")
    lists = ordered.group_by("row", maintain_order=True).agg(
        *(pl.col(name).first() for name in KEY),
        pl.len().cast(pl.Int32).alias("counted"),
        (number * number).alias("square"),
        number,
        gap,
        between=pl.col("at").last() - pl.col("at").first(),
    )
    # Polars finds these in less time for lists than for groups, and the median if none is null, as the first gap is.
    figures = lists.with_columns(
        lowest=number.list.min(),
        highest=number.list.max(),
        total=number.list.sum(),
        total_of_squares=pl.col("square").list.sum(),
        usual=gap.list.slice(1).list.median().cast(pl.Int64),
        longest=gap.list.max(),
    ).drop("number", "square", "gap")
    figures, covered = _add_coverage(figures, ordered, ranges)
    figures = figures.drop("row").join(_sum_ranges(covered, ranges), on=KEY, how="left")
    joined = rows.drop(_FIGURES, strict=False).join(figures, on=KEY, how="left", maintain_order="left")
    return joined.with_columns(pl.col("counted", "seconds_covered", "total", "total_of_squares").fill_null(0))


def _to_number(readings: pl.DataFrame) -> pl.Series:
    """Return the values of readings, with their decimals."""
    decimals = readings["decimals"]
    if decimals.max() in {None, 0}:
        return readings["value"].cast(pl.Float64)
    # Not by a literal, which polars multiplies by its reciprocal: 3905 / 1000 would not be 3.905.
    powers = pl.Series([10.0**places for places in range(MAX_DECIMALS + 1)])
    return readings["value"] / powers.gather(decimals)


def _add_coverage(
    figures: pl.DataFrame, ordered: pl.DataFrame, ranges: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the figures with the seconds covered, and the readings of streams with ranges with what each covers.

    Without intervals and without gaps a row covers the time from its first to its last reading and the usual gap, so
    only the other rows need what each reading covers.
    """
    usual = figures["usual"].fill_null(_ALONE)
    has_gaps = (figures["longest"] > usual * _TOLERANCE).fill_null(value=False)
    is_detailed = has_gaps | figures["stream"].is_in(ranges["stream"].to_list()) | has_lengths(ordered)
    detailed = _cover(ordered.filter(is_detailed.gather(ordered["row"])) if not is_detailed.all() else ordered, usual)
    sums = detailed.group_by("row", maintain_order=True).agg(pl.col("covered").sum())
    figures = figures.join(sums, on="row", how="left", maintain_order="left")
    covered = pl.col("covered").fill_null(pl.col("between") + usual).clip(upper_bound=_DAY)
    figures = figures.with_columns(seconds_covered=(covered // MICROSECONDS).cast(pl.Int32))
    return figures.drop("usual", "longest", "between", "covered"), detailed


def _cover(ordered: pl.DataFrame, usual: pl.Series) -> pl.DataFrame:
    """Return the sorted readings with the microseconds that each of them covers, in each row together at most a day."""
    own = usual.gather(ordered["row"])
    until_next = pl.col("gap").shift(-1)
    covered = pl.when(until_next.is_null()).then(own).otherwise(pl.min_horizontal(until_next, own * _TOLERANCE))
    if has_lengths(ordered):
        # Intervals that overlap cover their common time once.
        interval = pl.min_horizontal("length", until_next)
        covered = pl.when(pl.col("length").is_null()).then(covered).otherwise(interval)
    ordered = ordered.with_columns(covered=covered)
    before = pl.col("covered").cum_sum().over("row") - pl.col("covered")
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
