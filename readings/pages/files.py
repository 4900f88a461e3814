"""The file of a patient's readings, in our own form, which can be imported again."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import polars as pl

from healthtrack.core.downloads.xlsx_writer import Cell
from readings.charts.figures import fetch_exact
from readings.charts.periods import Period
from readings.charts.streams import Stream
from readings.store.columns import MICROSECONDS


def list_readings(patient: str, streams: Sequence[Stream], period: Period) -> Iterator[Sequence[Cell]]:
    """Yield the readings of a period that count, with the columns of our own form, one day after the other."""
    by_number = {stream.stream_id: stream for stream in streams}
    for number in range(period.days):
        day = Period.around("day", period.first + timedelta(days=number))
        readings = fetch_exact(patient, streams, day)
        if readings.is_empty():
            continue
        rows = readings.select("stream", _write_times(pl.col("at")), _write_end(), _write_value())
        for stream_id, start, end, value in rows.iter_rows():
            stream = by_number[stream_id]
            yield patient, stream.metric.code, start, end, value, stream.unit, stream.source


def _write_end() -> pl.Expr:
    end = _write_times(pl.col("at") + pl.col("length"))
    return pl.when(pl.col("length").is_null()).then(pl.lit("")).otherwise(end).alias("end")


def _write_times(instant: pl.Expr) -> pl.Expr:
    """Return the local time in ISO 8601, with its offset and as many decimals of a second as it needs."""
    offset = pl.col("utc_offset")
    local = instant + offset.cast(pl.Int64) * MICROSECONDS
    fraction = (local % MICROSECONDS).cast(pl.String).str.zfill(6).str.strip_chars_end("0")
    minutes = offset.abs() // 60
    return pl.concat_str(
        pl.from_epoch(local, "us").dt.strftime("%Y-%m-%dT%H:%M:%S"),
        pl.when(fraction == "").then(pl.lit("")).otherwise(pl.lit(".") + fraction),
        pl.when(offset < 0).then(pl.lit("-")).otherwise(pl.lit("+")),
        (minutes // 60).cast(pl.String).str.zfill(2),
        pl.lit(":"),
        (minutes % 60).cast(pl.String).str.zfill(2),
    ).alias("start")


def _write_value() -> pl.Expr:
    """Return the exact number as text."""
    digits = pl.col("value").abs().cast(pl.String)
    places = pl.col("decimals").cast(pl.Int64)
    padded = (
        pl.when(digits.str.len_chars() > places)
        .then(digits)
        .otherwise(pl.concat_str(pl.lit("0").repeat_by(places + 1).list.join(""), digits).str.tail(places + 1))
    )
    whole = padded.str.head(padded.str.len_chars().cast(pl.Int64) - places)
    sign = pl.when(pl.col("value") < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    point = pl.when(places == 0).then(pl.lit("")).otherwise(pl.concat_str(pl.lit("."), padded.str.tail(places)))
    return pl.concat_str(sign, whole, point).alias("value")
