"""The ranges whose time is added up, in the units of streams."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

import polars as pl
from django.db.backends.utils import CursorWrapper

from readings.store.blocks import WITHIN, Block
from readings.store.figures import RANGES
from readings.units import convert_limit

_RANGES = f"""
    SELECT DISTINCT stream.stream_id, metric.range_limits, metric.target_low, metric.unit, stream.unit
      FROM {WITHIN} JOIN reading_streams AS stream USING (patient_id, stream_id)
      JOIN metrics AS metric USING (metric_id)
     WHERE metric.range_limits <> '{{}}'
"""  # noqa: S608 (constants)


def get_ranges(cursor: CursorWrapper, block: Block) -> pl.DataFrame:
    """Return the ranges of the block's streams, by their numbers in the database."""
    cursor.execute(_RANGES, block.values)
    return make_ranges(cursor.fetchall())


def make_ranges(streams: Iterable[tuple[int, Sequence[Decimal], Decimal | None, str, str]]) -> pl.DataFrame:
    """Return `RANGES` from streams: number, limits of the metric, its lower target, its unit, and the stream's unit."""
    rows = [
        (
            number,
            [convert_limit(float(limit), unit, own) for limit in limits],
            sum(target is not None and limit <= target for limit in limits),
        )
        for number, limits, target, unit, own in streams
    ]
    return pl.DataFrame(rows, schema=RANGES, orient="row")
