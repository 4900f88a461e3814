"""Times as text in ISO 8601, turned into instants and UTC offsets."""

import polars as pl

from readings.formats.batch import PROVEN
from readings.store.columns import MICROSECONDS

_MAX_OFFSET = 18 * 3600
_UNKNOWN_OFFSET = "-00:00"
_LOCAL = "%Y-%m-%dT%H:%M:%S"
# What may be wrong with a time, in the columns `start_problem` and `end_problem`.
START_PROBLEMS = ("not_a_time", "too_fine", "no_zone", "skipped_time", "repeated_time", "odd_offset")


def add_times(rows: pl.DataFrame, zone: str) -> pl.DataFrame:
    """Return the rows with `at`, `utc_offset`, `end_at`, `length` and what is wrong: `start_problem`, `end_problem`.

    Instants count microseconds since 1970. Times without an offset are in the time zone `zone`, if there is one. So are
    those with -00:00, which RFC 3339 uses for a known instant whose local time is unknown.
    """
    rows = _add_instants(rows, "start", zone, "at", "utc_offset")
    rows = _add_instants(rows, "end", zone, "end_at", "end_offset")
    length = pl.when(pl.col("kind") == "interval").then(pl.col("end_at") - pl.col("at"))
    proven = pl.col(PROVEN) if PROVEN in rows.columns else pl.lit(value=False)
    return rows.with_columns(length=length, proven=proven)


def _add_instants(rows: pl.DataFrame, column: str, zone: str, at: str, offset: str) -> pl.DataFrame:
    text = pl.col(column).str.replace(" ", "T", literal=True)
    rows = rows.with_columns(
        instant=text.str.strptime(pl.Datetime("us", "UTC"), "%+", strict=False),
        local=text.str.slice(0, 19).str.strptime(pl.Datetime("us"), _LOCAL, strict=False),
        fraction=text.str.extract(r"\.([0-9]+)").fill_null(""),
    )
    rows = _use_zone_of_instants(rows, text.str.ends_with(_UNKNOWN_OFFSET), zone)
    rows = rows.with_columns(
        pl.col("instant").dt.epoch("us").alias(at),
        (pl.col("local").dt.epoch("s") - pl.col("instant").dt.epoch("us") // MICROSECONDS).cast(pl.Int32).alias(offset),
    )
    rows = rows.with_columns(_find_problem(column, offset).alias(f"{column}_problem"))
    if rows.select((pl.col(f"{column}_problem") == "no_zone").any()).item():
        rows = _use_zone(rows, column, zone, at, offset)
    return rows.drop("instant", "local", "fraction", "is_without_zone")


def _find_problem(column: str, offset: str) -> pl.Expr:
    """Return what is wrong with a time as it is written, without regard to a chosen zone; null if nothing is."""
    return (
        pl.when(pl.col(column).is_null())
        .then(None)
        .when(pl.col(offset).abs() > _MAX_OFFSET)
        .then(pl.lit("odd_offset"))
        .when(pl.col("local").is_null() | (pl.col(column).str.slice(17, 2) == "60"))
        .then(pl.lit("not_a_time"))
        .when(pl.col("fraction").str.len_bytes() > 6)
        .then(pl.lit("too_fine"))
        .when(pl.col("instant").is_null() | pl.col("is_without_zone"))
        .then(pl.lit("no_zone"))
        .otherwise(None)
    )


def _use_zone_of_instants(rows: pl.DataFrame, has_unknown_offset: pl.Expr, zone: str) -> pl.DataFrame:
    """Return the rows with the local time of instants of unknown offset, and `is_without_zone` if there is no zone."""
    unknown = has_unknown_offset.fill_null(value=False)
    if not zone:
        return rows.with_columns(is_without_zone=unknown)
    local = pl.col("instant").dt.convert_time_zone(zone).dt.replace_time_zone(None).dt.truncate("1s")
    return rows.with_columns(local=pl.when(unknown).then(local).otherwise("local"), is_without_zone=pl.lit(value=False))


def _use_zone(rows: pl.DataFrame, column: str, zone: str, at: str, offset: str) -> pl.DataFrame:
    """Give instants to the local times without an offset."""
    is_local = (pl.col(f"{column}_problem") == "no_zone") & ~pl.col("is_without_zone")
    is_written_wrongly = is_local & ~pl.col(column).str.slice(19).str.contains(r"^(\.[0-9]{1,6})?$")
    if not zone:
        wrong = pl.when(is_written_wrongly).then(pl.lit("not_a_time")).otherwise(f"{column}_problem")
        return rows.with_columns(wrong.alias(f"{column}_problem"))
    rows = _choose_by_order(_add_both_sides(rows, zone), is_local)
    problem = (
        pl.when(is_written_wrongly)
        .then(pl.lit("not_a_time"))
        .when(is_local & pl.col("early").is_null())
        .then(pl.lit("skipped_time"))
        .when(is_local & pl.col("chosen").is_null())
        .then(pl.lit("repeated_time"))
        .when(~is_local)
        .then(f"{column}_problem")
    )
    fraction = pl.col("fraction").str.pad_end(6, "0").cast(pl.Int64, strict=False).fill_null(0)
    ahead = (pl.col("local").dt.epoch("s") - pl.col("chosen") // MICROSECONDS).cast(pl.Int32)
    return rows.with_columns(
        problem.alias(f"{column}_problem"),
        pl.when(is_local).then(pl.col("chosen") + fraction).otherwise(at).alias(at),
        pl.when(is_local).then(ahead).otherwise(offset).alias(offset),
    ).drop("early", "late", "chosen")


def _add_both_sides(rows: pl.DataFrame, zone: str) -> pl.DataFrame:
    """Return the rows with the two instants that a local time of the zone may be, `early` and `late`, mostly equal."""
    early, late = (
        pl.col("local").dt.replace_time_zone(zone, ambiguous=side, non_existent="null").dt.convert_time_zone("UTC")
        for side in ("earliest", "latest")
    )
    return rows.with_columns(early=early.dt.epoch("us"), late=late.dt.epoch("us"))


def _choose_by_order(rows: pl.DataFrame, is_local: pl.Expr) -> pl.DataFrame:
    """Return the rows with `chosen`: the instant of each local time; null if it may be either of two.

    Where the rows of a stream ascend, go back once within the hour that occurs twice, and ascend again, those before
    that are the first occurrence, and those after it the second.
    """
    stream = ["patient_id", "metric", "device"]
    twice = is_local & (pl.col("early") != pl.col("late"))
    falls = (pl.col("local") <= pl.col("local").shift(1)).fill_null(value=False).cast(pl.Int32)
    marked = rows.with_columns(is_twice=twice, repeated_day=pl.col("local").dt.truncate("1d"))
    ordered = (
        marked.with_row_index("place")
        .filter("is_twice")
        .with_columns(passed=falls.cum_sum().over(*stream, "repeated_day"))
    )
    if ordered.is_empty():
        return rows.with_columns(chosen=pl.col("early"))
    ordered = ordered.with_columns(passes=pl.col("passed").max().over(*stream, "repeated_day"))
    sides = ordered.select(
        "place",
        side=pl.when(pl.col("passes") != 1)
        .then(None)
        .when(pl.col("passed") == 0)
        .then(pl.col("early"))
        .otherwise(pl.col("late")),
    )
    placed = rows.with_row_index("place").with_columns(is_twice=twice)
    joined = placed.join(sides, on="place", how="left", maintain_order="left")
    chosen = pl.when("is_twice").then("side").otherwise("early")
    return joined.with_columns(chosen=chosen).drop("place", "side", "is_twice")
