"""Divide the work on many days into blocks that fit into memory."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

MAX_READINGS = 500_000
# The offsets of one instant differ by at most 36 hours, so its local days by at most two.
NEIGHBOURS = 2

# SQL for the days of a block, and for these with the days around them; to join by patient_id, stream_id and day.
WITHIN = "unnest(%(patients)s::text[], %(streams)s::integer[], %(days)s::date[]) AS block (patient_id, stream_id, day)"
NEAR = f"""
    (SELECT DISTINCT patient_id, stream_id, day + away AS day
       FROM {WITHIN}, generate_series(-{NEIGHBOURS}, {NEIGHBOURS}) AS away) AS block
"""  # noqa: S608 (constants of this module)


@dataclass
class Block:
    """Days of streams that are worked on together; the three lists belong together by position."""

    patients: list[str] = field(default_factory=list)
    streams: list[int] = field(default_factory=list)
    days: list[date] = field(default_factory=list)

    @property
    def values(self) -> dict[str, Any]:
        """Return the values for `WITHIN` and `NEAR`."""
        return {"patients": self.patients, "streams": self.streams, "days": self.days}

    def select(self, rows: pl.DataFrame, stream: str = "stream") -> pl.DataFrame:
        """Return those of the rows that belong to the block, by `day` and the column that has the block's streams."""
        schema = {stream: pl.Int32, "day": pl.Date}
        wanted = pl.DataFrame({stream: self.streams, "day": self.days}, schema=schema)
        return rows.join(
            wanted.with_columns(pl.col("day").cast(pl.Int32)), on=[stream, "day"], how="semi", maintain_order="left"
        )

    def name_patients(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the rows with `patient_id`, and `stream_id` instead of `stream`."""
        schema = {"stream": pl.Int32, "patient_id": pl.String}
        names = pl.DataFrame({"stream": self.streams, "patient_id": self.patients}, schema=schema).unique()
        return rows.join(names, on="stream", how="left", maintain_order="left").rename({"stream": "stream_id"})


def divide(days: Iterable[tuple[str, int, date, int]]) -> Iterator[Block]:
    """Yield blocks of days, which come in order: patient, stream, day, and number of readings."""
    block, size = Block(), 0
    for patient, stream, day, readings in days:
        if size and size + readings > MAX_READINGS:
            yield block
            block, size = Block(), 0
        block.patients.append(patient)
        block.streams.append(stream)
        block.days.append(day)
        size += readings
    if size:
        yield block
