"""Fold the contributions of several runs into day rows.

For each instant the latest run gives the value, and with it the end of an interval. The earliest run gives the offset,
unless a later one proves another: then the earliest of those that prove one. Runs that can no longer be undone count as
one, the first.

Days are folded in blocks. All of them read what was stored before; what they make replaces it at the end.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import polars as pl
from django.db.backends.utils import CursorWrapper

from readings.store.blocks import NEAR, Block, divide
from readings.store.columns import INSTANT, READINGS, add_day
from readings.store.exclusions import leave_out
from readings.store.figures import add_figures
from readings.store.packing import KEY, pack, unpack
from readings.store.ranges import get_ranges
from readings.store.rows import copy_in, fetch, select_packed

FINAL = 0  # the run that stands for all that can no longer be undone
_RUN = {"run_id": pl.Int64, "position": pl.Int64}
_POSITION = "(SELECT position FROM reading_runs WHERE reading_runs.run_id = {run})"
_PACKED = ("time_decimals", "value_decimals", "first_time", "gaps", "values", "lengths", "offsets_proven")
_SAME_DAY = "AND ".join(f"rows.{name} = marker.{name} " for name in ("patient_id", "stream_id", "day", "utc_offset"))


@dataclass(frozen=True)
class Change:
    """What is different from what is stored: a run whose staged rows are added, or that is left out; or final runs."""

    staged_rows: str = ""
    run_id: int = FINAL
    without: int | None = None
    final: Collection[int] = ()


def _select(table: str, run: str, join: str = "", where: str = "true") -> str:
    columns = select_packed("rows.stream_id", run, f"coalesce({_POSITION.format(run=run)}, 0)")
    return f"""
        SELECT {columns} FROM {table} AS rows
          JOIN {NEAR}
            ON rows.patient_id = block.patient_id AND rows.stream_id = block.stream_id AND rows.day = block.day
          {join} WHERE {where}
    """  # noqa: S608 (constants of this module)


def _query(change: Change) -> str:
    marker = f"JOIN reading_contributions AS marker ON {_SAME_DAY} AND marker.same_as = rows.run_id"
    parts = [
        _select("reading_days", "rows.run_id", where="rows.run_id IS NOT NULL"),
        _select("reading_contributions", "rows.run_id", where="rows.same_as IS NULL"),
        _select("reading_days", "marker.run_id", marker),
        _select("reading_contributions", "marker.run_id", marker, "rows.same_as IS NULL"),
    ]
    if change.staged_rows:
        parts.append(_select(change.staged_rows, f"{change.run_id:d}"))
    return " UNION ALL ".join(parts)


def fold_readings(readings: pl.DataFrame) -> pl.DataFrame:
    """Return one reading for each instant from those of all runs, whose `position` is the order of the runs."""
    ordered = readings.sort([*INSTANT, "position"])
    values = ordered.unique(INSTANT, keep="last", maintain_order=True)
    offsets = ordered.sort([*INSTANT, pl.col("proven").not_(), "position"]).unique(
        INSTANT, keep="first", maintain_order=True
    )
    return values.with_columns(offsets["utc_offset"], offsets["proven"]).select(*READINGS)


def fold_days(
    cursor: CursorWrapper, affected: str, change: Change, report: Callable[[int], None] = lambda _: None
) -> None:
    """Write days and contributions again, as the change makes them.

    `affected` is a query for the days, in order: patient, stream, day, and number of readings.
    """
    cursor.execute("DROP TABLE IF EXISTS folded_days, folded_contributions, affected_days")
    cursor.execute(f"CREATE TEMPORARY TABLE affected_days ON COMMIT DROP AS {affected}")
    for stored in ("days", "contributions"):
        cursor.execute(f"CREATE TEMPORARY TABLE folded_{stored} (LIKE reading_{stored}) ON COMMIT DROP")
    cursor.execute("SELECT patient_id, stream_id, day, readings FROM affected_days ORDER BY 1, 2, 3")
    for block in divide(cursor.fetchall()):
        _fold_block(cursor, block, change)
        report(0)
    for stored in ("days", "contributions"):
        cursor.execute(
            f"DELETE FROM reading_{stored} AS rows USING affected_days AS old WHERE rows.patient_id = old.patient_id"  # noqa: S608 (constants)
            " AND rows.stream_id = old.stream_id AND rows.day = old.day"
        )
        cursor.execute(f"INSERT INTO reading_{stored} SELECT * FROM folded_{stored}")  # noqa: S608 (constants)


def _fold_block(cursor: CursorWrapper, block: Block, change: Change) -> None:
    contributions = fetch(cursor, _query(change), block.values, _RUN)
    contributions = contributions.filter(pl.col("run_id") != change.without) if change.without else contributions
    readings = unpack(contributions, *_RUN)
    if change.final:
        contributions, readings = _unite_final(contributions, readings, change.final)
    folded = fold_readings(readings)
    days = block.select(pack(block.select(add_day(folded)).select(*READINGS)))
    days, contributions = _share_arrays(days, block.select(contributions))
    figures = add_figures(days, leave_out(cursor, block, folded), get_ranges(cursor, block))
    copy_in(cursor, "folded_days", block.name_patients(figures))
    explicit = contributions.filter(pl.col("same_as").is_null())
    copy_in(cursor, "folded_contributions", block.name_patients(complete(explicit)))
    markers = contributions.filter(pl.col("same_as").is_not_null()).select(*KEY, "run_id", "same_as")
    copy_in(cursor, "folded_contributions", block.name_patients(markers))


def _unite_final(
    contributions: pl.DataFrame, readings: pl.DataFrame, final: Collection[int]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Replace what final runs contributed by the fold of it, as the contribution of one run."""
    is_final = pl.col("run_id").is_in([FINAL, *final])
    first = {"run_id": pl.lit(FINAL, pl.Int64), "position": pl.lit(0, pl.Int64)}
    united = fold_readings(readings.filter(is_final))
    packed = pack(united).with_columns(**first).select(contributions.columns)
    return (
        pl.concat([packed, contributions.filter(~is_final)], how="vertical_relaxed"),
        pl.concat([united.with_columns(**first), readings.filter(~is_final)], how="vertical_relaxed"),
    )


def _share_arrays(days: pl.DataFrame, contributions: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return days with the run that each of them equals, and the contributions that need rows of their own.

    Of equal contributions the first has the arrays, in its own row or in that of the day; `same_as` names it.
    """
    contributions = contributions.with_columns(content=_content()).sort([*KEY, "position"])
    holders = contributions.unique([*KEY, "content"], keep="first", maintain_order=True)
    holders = holders.select(*KEY, "content", holder="run_id")
    days = days.with_columns(content=_content()).join(
        holders.rename({"holder": "run_id"}), on=[*KEY, "content"], how="left", maintain_order="left"
    )
    contributions = contributions.join(holders, on=[*KEY, "content"], how="left", maintain_order="left")
    contributions = contributions.with_columns(same_as=pl.when(pl.col("run_id") != pl.col("holder")).then("holder"))
    owned = days.select(*KEY, "run_id").drop_nulls("run_id")
    rest = contributions.join(owned, on=[*KEY, "run_id"], how="anti", maintain_order="left")
    return days.drop("content"), rest.drop("content", "holder", "position")


def _content() -> pl.Expr:
    """Return a text that is equal exactly for rows with the same readings."""
    parts = [
        pl.col(name).cast(pl.List(pl.String)).list.join(",")
        if name in {"gaps", "values", "lengths", "offsets_proven"}
        else pl.col(name).cast(pl.String)
        for name in _PACKED
    ]
    return pl.concat_str([part.fill_null("") for part in parts], separator=";")


def complete(rows: pl.DataFrame) -> pl.DataFrame:
    """Return fetched rows with the columns that `fetch` leaves out."""
    unit = pl.lit(10, pl.Int64).pow(6 - pl.col("time_decimals").cast(pl.Int64))
    midnight = (pl.col("day").cast(pl.Int64) * 86_400 - pl.col("utc_offset")) * 1_000_000
    first = midnight + pl.col("first_time") * unit
    return rows.with_columns(
        first_at=first,
        last_at=first + pl.col("gaps").list.sum() * unit,
        reading_count=pl.col("gaps").list.len().cast(pl.Int32),
    ).drop("same_as", strict=False)
