"""Pack readings into day rows, and unpack them again."""

from collections.abc import Collection
from typing import Any

import polars as pl

from readings.store.columns import DAY_SECONDS, LINE, MICROSECONDS, READINGS, add_day, shorten_decimals

KEY = ("stream", "day", "utc_offset")
_SMALL = 2**15
# Whole numbers of these units reproduce a time: seconds, milliseconds, microseconds.
_UNITS = {0: MICROSECONDS, 3: 1_000, 6: 1}


def order(readings: pl.DataFrame) -> pl.DataFrame:
    """Return the readings sorted by `KEY` and time, with their `day`, and the number of their day row from 0, `row`.

    `gap` has the microseconds since the reading before in the row, null for the first. Readings that have a `row` are
    sorted already.
    """
    if "row" in readings.columns:
        return readings
    readings = _find_rows(add_day(readings))
    first = readings.filter("begins").select(KEY)
    if (readings["gap"] < 0).any() or not first.equals(first.sort(KEY)):
        readings = _find_rows(readings.sort([*KEY, "at"]))
    return readings.with_columns(row=pl.col("begins").cum_sum().set_sorted() - 1).drop("begins")


def _find_rows(readings: pl.DataFrame) -> pl.DataFrame:
    """Return the readings with `begins`, whether a day row begins with them if they are sorted, and `gap`."""
    begins = pl.any_horizontal(pl.col(name) != pl.col(name).shift(1) for name in KEY).fill_null(value=True)
    gap = pl.when(~pl.col("begins")).then(pl.col("at") - pl.col("at").shift(1))
    return readings.with_columns(begins=begins).with_columns(gap=gap)


def pack(readings: pl.DataFrame) -> pl.DataFrame:
    """Return one row for each stream, day and offset, with lists in the order of time, sorted by this key.

    The columns are those of `reading_days`, except the figures. `day` counts days since 1970, `first_at` and `last_at`
    microseconds. The readings must have no repetitions.
    """
    ordered = order(readings)
    lists = ["lengths"] if has_lengths(ordered) else []
    lists += ["offsets_proven"] if ordered["proven"].any() else []
    lists += ["lines"] if LINE in readings.columns else []
    singular = {"lengths": "length", "offsets_proven": "proven", "lines": LINE}
    decimals = pl.DataFrame([_find_time_decimals(ordered), _find_value_decimals(ordered)])
    packed = (
        _scale(ordered, decimals)
        .group_by("row", maintain_order=True)
        .agg(
            *(pl.col(name).first() for name in KEY),
            pl.col("at").first().alias("first_at"),
            pl.col("at").last().alias("last_at"),
            pl.len().cast(pl.Int32).alias("reading_count"),
            pl.col("gap").alias("gaps"),
            pl.col("value").alias("values"),
            *(pl.col(singular[name]).alias(name) for name in lists),
        )
    )
    absent = {"lengths": pl.List(pl.Int64), "offsets_proven": pl.List(pl.Boolean)}
    midnight = (pl.col("day").cast(pl.Int64) * DAY_SECONDS - pl.col("utc_offset")) * MICROSECONDS
    rows = packed.drop("row").with_columns(
        *decimals,
        *(pl.lit(None, kind).alias(name) for name, kind in absent.items() if name not in lists),
        first_time=(pl.col("first_at") - midnight) // _to_units(decimals["time_decimals"]),
    )
    return _shorten_lists(rows, lists)


def has_lengths(readings: pl.DataFrame) -> bool:
    """Return whether any of the readings is an interval."""
    return readings["length"].null_count() < len(readings)


def _find_time_decimals(ordered: pl.DataFrame) -> pl.Series:
    """Return for each day row how many decimals of a second its times and lengths have: 0, 3 or 6."""
    times = [pl.col("at"), *([pl.col("length").fill_null(0)] if has_lengths(ordered) else [])]
    fits = {places: pl.all_horizontal(time % unit == 0 for time in times) for places, unit in _UNITS.items()}
    if ordered.select(fits[0].all()).item():
        return _repeat(0, ordered).alias("time_decimals")
    by_row = ordered.group_by("row", maintain_order=True).agg(whole=fits[0].all(), thousandths=fits[3].all())
    decimals = pl.when("whole").then(0).when("thousandths").then(3).otherwise(6).cast(pl.Int8)
    return by_row.select(time_decimals=decimals).to_series()


def _find_value_decimals(ordered: pl.DataFrame) -> pl.Series:
    """Return for each day row how many decimals its values have."""
    decimals = ordered["decimals"]
    if decimals.min() == (most := decimals.max()):
        return _repeat(most, ordered).alias("value_decimals")
    return ordered.group_by("row", maintain_order=True).agg(value_decimals=pl.col("decimals").max())["value_decimals"]


def _repeat(decimals: Any, ordered: pl.DataFrame) -> pl.Series:
    rows = ordered["row"][-1] + 1 if len(ordered) else 0
    return pl.repeat(decimals, rows, dtype=pl.Int8, eager=True)


def _to_units(time_decimals: pl.Series) -> pl.Series:
    return time_decimals.replace_strict(_UNITS, return_dtype=pl.Int64)


def _scale(ordered: pl.DataFrame, decimals: pl.DataFrame) -> pl.DataFrame:
    """Return the sorted readings with gaps, lengths and values in the units of their rows."""
    units = _to_units(decimals["time_decimals"].unique()).to_list()
    unit = pl.lit(
        units[0] if len(units) == 1 else _to_units(decimals["time_decimals"]).gather(ordered["row"]), pl.Int64
    )
    scaled = ordered.with_columns(gap=pl.col("gap").fill_null(0) // unit, length=pl.col("length") // unit)
    if decimals["value_decimals"].n_unique() == 1 and ordered["decimals"].n_unique() == 1:
        return scaled
    missing = (decimals["value_decimals"].gather(ordered["row"]) - ordered["decimals"]).cast(pl.Int64)
    return scaled.with_columns(value=pl.col("value") * pl.lit(10, pl.Int64).pow(missing))


def _shorten_lists(rows: pl.DataFrame, present: Collection[str]) -> pl.DataFrame:
    lengths, proven = pl.col("lengths"), pl.col("offsets_proven")
    if "lengths" in present:
        rows = rows.with_columns(
            lengths=pl.when(lengths.list.first().is_null())
            .then(None)
            .when(lengths.list.min() == lengths.list.max())
            .then(lengths.list.head(1))
            .otherwise(lengths)
        )
    if "offsets_proven" in present:
        rows = rows.with_columns(
            offsets_proven=pl.when(~proven.list.any())
            .then(None)
            .when(proven.list.all())
            .then(proven.list.head(1))
            .otherwise(proven)
        )
    return rows


def is_small(name: str) -> pl.Expr:
    """Return for each row whether the numbers of its list of this name fit into 16 bits."""
    numbers = pl.col(name)
    return (numbers.list.min() >= -_SMALL) & (numbers.list.max() < _SMALL)


def unpack(rows: pl.DataFrame, *carried: str) -> pl.DataFrame:
    """Return the readings of day rows, with the columns `READINGS`, `lines` if rows have them, and those carried."""
    rows = rows.with_columns(
        has_lengths=pl.col("lengths").list.len().fill_null(0) > 1,
        has_proven=pl.col("offsets_proven").list.len().fill_null(0) > 1,
    )
    parts = [_unpack_alike(part, carried) for part in rows.partition_by("has_lengths", "has_proven")]
    return pl.concat(parts) if parts else _unpack_alike(rows, carried)


def _unpack_alike(rows: pl.DataFrame, carried: tuple[str, ...]) -> pl.DataFrame:
    """Unpack rows that all have lengths for each reading or none has, and so for proofs."""
    has_lengths, has_proven = (not rows.is_empty() and rows[name][0] for name in ("has_lengths", "has_proven"))
    lines = ["lines"] if "lines" in rows.columns else []
    lists = ["gaps", "values", *lines]
    lists += ["lengths"] if has_lengths else []
    lists += ["offsets_proven"] if has_proven else []
    if not has_lengths:
        rows = rows.with_columns(lengths=pl.col("lengths").list.first())
    if not has_proven:
        rows = rows.with_columns(offsets_proven=pl.col("offsets_proven").list.first())
    # The running sum of all gaps, without those of earlier rows, is the time since the first reading.
    rows = rows.with_columns(before=rows["gaps"].list.sum().cum_sum().shift(1, fill_value=0))
    flat = rows.explode(lists, empty_as_null=False)
    unit = pl.lit(10, pl.Int64).pow(6 - pl.col("time_decimals").cast(pl.Int64))
    midnight = (pl.col("day").cast(pl.Int64) * DAY_SECONDS - pl.col("utc_offset")) * MICROSECONDS
    since = (pl.col("first_time") + pl.col("gaps").cum_sum() - pl.col("before")) * unit
    readings = flat.select(
        pl.col("stream").cast(pl.Int32),
        at=midnight + since,
        length=pl.col("lengths") * unit,
        utc_offset=pl.col("utc_offset").cast(pl.Int32),
        value=pl.col("values").cast(pl.Int64),
        decimals=pl.col("value_decimals").cast(pl.Int8),
        proven=pl.col("offsets_proven").fill_null(value=False),
        **({LINE: pl.col("lines")} if lines else {}),
        **{name: pl.col(name) for name in carried},
    )
    assert list(readings.columns[: len(READINGS)]) == list(READINGS)  # noqa: S101  (a mistake of the caller)
    return shorten_decimals(readings)
