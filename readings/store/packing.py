"""Pack readings into day rows, and unpack them again."""

import polars as pl

from readings.store.columns import DAY_SECONDS, LINE, MICROSECONDS, READINGS, add_day, shorten_decimals

KEY = ("stream", "day", "utc_offset")
_SMALL = 2**15
# Whole numbers of these units reproduce a time: seconds, milliseconds, microseconds.
_UNITS = {0: MICROSECONDS, 3: 1_000, 6: 1}


def pack(readings: pl.DataFrame) -> pl.DataFrame:
    """Return one row for each stream, day and offset, with lists in the order of time, sorted by this key.

    The columns are those of `reading_days`, except the figures. `day` counts days since 1970, `first_at` and `last_at`
    microseconds. The readings must have no repetitions.
    """
    ordered = add_day(readings).sort([*KEY, "at"])
    ordered = ordered.with_columns(row=_number_rows(ordered))
    rows = _describe_rows(ordered)
    scaled = _scale(ordered, rows)
    lists = scaled.group_by("row", maintain_order=True).agg(
        pl.col("gap").alias("gaps"),
        pl.col("value").alias("values"),
        pl.col("length").alias("lengths"),
        pl.col("proven").alias("offsets_proven"),
        *([pl.col(LINE).alias("lines")] if LINE in readings.columns else []),
    )
    return _shorten_lists(rows.with_columns(lists.drop("row")))


def _number_rows(ordered: pl.DataFrame) -> pl.Series:
    """Return the number of the day row, from 0, that each of the sorted readings belongs to."""
    begins = pl.any_horizontal(pl.col(name) != pl.col(name).shift(1) for name in KEY)
    return ordered.select(begins.fill_null(value=False).cum_sum()).to_series()


def _describe_rows(ordered: pl.DataFrame) -> pl.DataFrame:
    midnight = (pl.col("day").cast(pl.Int64) * DAY_SECONDS - pl.col("utc_offset")) * MICROSECONDS
    length = pl.col("length").fill_null(0)
    return (
        ordered.group_by("row", maintain_order=True)
        .agg(
            *(pl.col(name).first() for name in KEY),
            pl.col("at").first().alias("first_at"),
            pl.col("at").last().alias("last_at"),
            *(
                ((pl.col("at") % unit == 0) & (length % unit == 0)).all().alias(f"fits_{places}")
                for places, unit in _UNITS.items()
            ),
            pl.col("decimals").max().alias("value_decimals"),
            pl.len().cast(pl.Int32).alias("reading_count"),
        )
        .with_columns(
            time_decimals=pl.when("fits_0").then(0).when("fits_3").then(3).otherwise(6).cast(pl.Int8),
            midnight=midnight,
        )
        .with_columns(unit=pl.col("time_decimals").replace_strict(_UNITS, return_dtype=pl.Int64))
        .with_columns(first_time=(pl.col("first_at") - pl.col("midnight")) // pl.col("unit"))
        .drop("row", "midnight", *(f"fits_{places}" for places in _UNITS))
    )


def _scale(ordered: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the sorted readings with gaps, lengths and values in the units of their rows."""
    unit = rows["unit"].gather(ordered["row"])
    decimals = rows["value_decimals"].gather(ordered["row"])
    gap = pl.when(pl.col("row") == pl.col("row").shift(1)).then(pl.col("at") - pl.col("at").shift(1)).otherwise(0)
    scaled = ordered.with_columns(unit=unit, gap=gap).with_columns(
        gap=pl.col("gap") // pl.col("unit"), length=pl.col("length") // pl.col("unit")
    )
    if (decimals == ordered["decimals"]).all():
        return scaled
    missing = (decimals - ordered["decimals"]).cast(pl.Int64)
    return scaled.with_columns(value=pl.col("value") * pl.lit(10, pl.Int64).pow(missing))


def _shorten_lists(rows: pl.DataFrame) -> pl.DataFrame:
    lengths, proven = pl.col("lengths"), pl.col("offsets_proven")
    return rows.drop("unit").with_columns(
        lengths=pl.when(lengths.list.first().is_null())
        .then(None)
        .when(lengths.list.min() == lengths.list.max())
        .then(lengths.list.head(1))
        .otherwise(lengths),
        offsets_proven=pl.when(~proven.list.any())
        .then(None)
        .when(proven.list.all())
        .then(proven.list.head(1))
        .otherwise(proven),
    )


def is_small(rows: pl.DataFrame) -> pl.Series:
    """Return for each row whether its values fit into 16 bits."""
    values = pl.col("values")
    return rows.select((values.list.min() >= -_SMALL) & (values.list.max() < _SMALL)).to_series()


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
    assert list(readings.columns[: len(READINGS)]) == list(READINGS)  # noqa: S101
    return shorten_decimals(readings)
