"""Siblings: streams of one patient, metric and source that differ in their unit only.

What they say about one instant is one reading if rounding explains how the values differ: each value stands for all
numbers that are rounded to it. Otherwise the readings contradict each other.
"""

from collections.abc import Mapping

import polars as pl
from django.db.backends.utils import CursorWrapper

from readings.store.columns import INSTANT, LINE, unite_repeated
from readings.store.ranges import make_ranges
from readings.units import get_conversion, get_units

# `family` is the number that siblings share, the lowest of their streams. value in the unit of the metric = value x
# `factor` + `addend`. Files state values with at least `stated` decimals. Of several units, that with the lowest
# `preference` stays: that of the metric comes first.
SIBLINGS = pl.Schema(
    {
        "stream": pl.Int32,
        "family": pl.Int32,
        "unit": pl.String,
        "factor": pl.Float64,
        "addend": pl.Float64,
        "stated": pl.Int8,
        "preference": pl.Int8,
    }
)
# What readings that contradict one in another unit say of it: its value, and its line or the run that stored it.
OTHER: Mapping[str, type[pl.DataType]] = {
    "unit": pl.String,
    "other_value": pl.Int64,
    "other_decimals": pl.Int8,
    "other_unit": pl.String,
    "other_line": pl.Int64,
    "other_run": pl.Int64,
}
FAMILY = ("family", "at")
# Programs convert by factors with six to eight digits. Values whose bounds only touch differ, such as 97 % and 0.98.
_TOLERANCE = 1e-5
_WITHIN = 0.999
_FETCH = """
    SELECT stream, family, streams.unit, metric.unit, coalesce(stated, 0), range_limits, target_low
      FROM {streams} AS streams JOIN metrics AS metric USING (metric_id)
     WHERE (SELECT true FROM {streams} WHERE family <> stream LIMIT 1)
       AND family IN (SELECT family FROM {streams} WHERE family <> stream)
"""


def fetch_siblings(cursor: CursorWrapper, streams: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return `SIBLINGS` of a table of staged streams, without streams that have none; and their `RANGES`."""
    cursor.execute(_FETCH.format(streams=streams))
    rows, ranges = [], []
    for stream, family, unit, of_metric, stated, limits, target in cursor.fetchall():
        conversion = get_conversion(of_metric, unit)
        preference = get_units(of_metric).index(unit)
        rows.append((stream, family, unit, conversion.factor, conversion.addend, stated, preference))
        if limits:
            ranges.append((stream, limits, target, of_metric, unit))
    return pl.DataFrame(rows, schema=SIBLINGS, orient="row"), make_ranges(ranges)


def unite_siblings(readings: pl.DataFrame, siblings: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return what `unite_repeated` does, with siblings as one stream; contradictory readings then have `OTHER`."""
    single, contradictory = unite_repeated(readings)
    if siblings.is_empty():
        return single, contradictory
    related = add_numbers(single, siblings)
    several = related.filter(pl.struct(FAMILY).is_duplicated())
    differing = several.group_by(FAMILY).agg(differs=_differ()).filter("differs").select(FAMILY)
    doubtful = contradictory.join(siblings, on="stream").select(FAMILY)
    bad = pl.concat([differing, doubtful]).unique()
    order = [*FAMILY, pl.col("proven").not_(), "utc_offset", "preference"]
    first = related.sort(order).unique(FAMILY, keep="first", maintain_order=True)
    good = first.join(bad, on=FAMILY, how="anti", maintain_order="left")
    others = single.join(siblings, on="stream", how="anti", maintain_order="left")
    wrong = pl.concat([contradictory, related.join(bad, on=FAMILY, how="semi").select(contradictory.columns)])
    return pl.concat([others, good.select(single.columns)]), _name_others(wrong, siblings)


def add_numbers(readings: pl.DataFrame, siblings: pl.DataFrame) -> pl.DataFrame:
    """Return the readings of siblings, with the columns of `SIBLINGS`.

    `number` is the value in the unit of the metric, `least` and `greatest` are the bounds of what is rounded to it.
    """
    ten, exact = pl.lit(10.0), pl.col("decimals").cast(pl.Float64)
    stated = pl.max_horizontal("decimals", "stated").cast(pl.Float64)
    joined = readings.join(siblings, on="stream", how="inner", maintain_order="left")
    number = joined.with_columns(number=pl.col("value") / ten.pow(exact) * pl.col("factor") + pl.col("addend"))
    rounding = pl.col("factor") / ten.pow(stated) / 2 * _WITHIN
    margin = pl.max_horizontal(rounding, pl.col("number").abs() * _TOLERANCE)
    return number.with_columns(least=pl.col("number") - margin, greatest=pl.col("number") + margin)


def _differ() -> pl.Expr:
    """Return whether readings of one instant cannot be one: no number is rounded to all, or their lengths differ."""
    return (pl.col("least").max() > pl.col("greatest").min()) | (pl.col("length").n_unique() > 1)


def agrees(suffix: str) -> pl.Expr:
    """Return whether a reading and one in another unit, whose columns have the suffix, can be one."""
    least, greatest, length = (pl.col(f"{name}{suffix}") for name in ("least", "greatest", "length"))
    overlap = (pl.col("least") <= greatest) & (least <= pl.col("greatest"))
    return overlap & pl.col("length").eq_missing(length)


def _name_others(contradictory: pl.DataFrame, siblings: pl.DataFrame) -> pl.DataFrame:
    """Return contradictory readings with `OTHER`: the value that differs most at the instant, if in another unit."""
    named = contradictory if LINE in contradictory.columns else contradictory.with_columns(line=pl.lit(None, pl.Int64))
    related = add_numbers(named, siblings)
    each = pl.struct("number", "stream", "value", "decimals", "unit", LINE)
    extremes = related.group_by(FAMILY).agg(
        low=each.sort_by("number", *INSTANT).first(), high=each.sort_by("number", *INSTANT).last()
    )
    number, low, high = (pl.col(name) for name in ("number", "low", "high"))
    is_low = number - low.struct.field("number") > high.struct.field("number") - number
    found = related.join(extremes, on=FAMILY, maintain_order="left").with_columns(
        other=pl.when(is_low).then(low).otherwise(high)
    )
    other = {f"other_{name}": pl.col("other").struct.field(name) for name in ("value", "decimals", "unit", LINE)}
    is_other = pl.col("other").struct.field("stream") != pl.col("stream")
    found = found.select(
        *contradictory.columns,
        "unit",
        **{name: pl.when(is_other).then(value) for name, value in other.items()},
        other_run=pl.lit(None, pl.Int64),
    )
    rest = contradictory.join(siblings, on="stream", how="anti", maintain_order="left")
    return pl.concat([rest, found], how="diagonal")
