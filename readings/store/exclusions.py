"""Leave excluded readings out of the figures."""

import polars as pl
from django.db.backends.utils import CursorWrapper

from readings.store.blocks import WITHIN, Block

_EXCLUSIONS = f"""
    SELECT DISTINCT stream_id,
           (extract(epoch FROM starts_at) * 1e6)::bigint, (extract(epoch FROM ends_at) * 1e6)::bigint
      FROM reading_exclusions JOIN {WITHIN} USING (patient_id, stream_id)
"""  # noqa: S608 (constants)


def leave_out(cursor: CursorWrapper, block: Block, readings: pl.DataFrame) -> pl.DataFrame:
    """Return the readings that are in no exclusion of the block's streams."""
    cursor.execute(_EXCLUSIONS, block.values)
    for stream, start, end in cursor.fetchall():
        excluded = (pl.col("stream") == stream) & pl.col("at").is_between(start, end, closed="left")
        readings = readings.filter(~excluded)
    return readings
