"""Compare the staged readings of a run with those that earlier runs stored of the same instants in another unit.

If both say the same, the staged reading counts as a repetition of the stored one, in its unit and with its value: so an
undo of the earlier run leaves it. If they contradict each other, nobody knows which is right, and the stored one stays.
"""

from collections.abc import Iterator

import polars as pl
from django.db.backends.utils import CursorWrapper

from healthtrack.imports import staging_tables
from readings.store.blocks import NEAR, WITHIN, Block, divide
from readings.store.columns import INSTANT
from readings.store.figures import add_figures
from readings.store.packing import order, pack, unpack
from readings.store.rows import copy_in, fetch, select_packed
from readings.store.siblings import FAMILY, OTHER, add_numbers, agrees, fetch_siblings
from readings.store.staging import StagedReadings

# A staged stream for each stored one that differs in its unit only from one of the run.
ADD_SIBLINGS = """
    INSERT INTO {streams} (stream, family, patient_id, metric_id, source, unit, serial_number, model)
    SELECT (SELECT max(stream) FROM {streams}) + row_number() OVER (ORDER BY own.stream, stored.unit),
           own.family, own.patient_id, own.metric_id, own.source, stored.unit, own.serial_number, own.model
      FROM {streams} AS own JOIN reading_streams AS stored USING (patient_id, metric_id, source)
     WHERE own.stream = own.family AND stored.unit <> own.unit AND stored.origin = ''
       AND NOT EXISTS (SELECT FROM {streams} AS other WHERE other.family = own.family AND other.unit = stored.unit)
"""
_DAYS = """
    SELECT '', own.family, days.day, sum(days.reading_count)
      FROM {streams} AS own JOIN {days} AS days USING (stream)
     WHERE EXISTS (SELECT FROM {streams} AS other JOIN reading_days AS stored
                       ON stored.patient_id = other.patient_id AND stored.stream_id = other.stream_id
                    WHERE other.family = own.family AND other.stream <> own.stream
                      AND stored.day BETWEEN days.day - 2 AND days.day + 2
                      AND stored.first_at <= days.last_at AND stored.last_at >= days.first_at)
     GROUP BY own.family, days.day ORDER BY own.family, days.day
"""
_OF_BLOCK = f"""
    {{days}} AS rows JOIN {{streams}} AS streams USING (stream)
      JOIN {WITHIN} ON block.stream_id = streams.family AND block.day = rows.day
"""
_LINES = "array_to_string(rows.lines, ',')"
_STAGED = f"SELECT {select_packed('stream', _LINES)} FROM {_OF_BLOCK}"  # noqa: S608 (constants)
_STORED = f"""
    SELECT {select_packed("streams.stream", "rows.run_id")} FROM reading_days AS rows
      JOIN {{streams}} AS streams ON streams.patient_id = rows.patient_id AND streams.stream_id = rows.stream_id
      JOIN {NEAR} ON block.stream_id = streams.family AND block.day = rows.day
"""  # noqa: S608 (constants)
_REMOVE = f"""
    WITH removed AS (
        DELETE FROM {{days}} AS old USING (SELECT rows.stream, rows.day, rows.utc_offset FROM {_OF_BLOCK}) AS rows
         WHERE old.stream = rows.stream AND old.day = rows.day AND old.utc_offset = rows.utc_offset
        RETURNING old.*)
    INSERT INTO {{originals}} SELECT * FROM removed
"""  # noqa: S608 (constants)
_RESTORE = """
    DELETE FROM {days} AS rows
     USING {streams} AS streams,
           (SELECT DISTINCT family, day FROM {originals} JOIN {streams} USING (stream)) AS old
     WHERE streams.stream = rows.stream AND streams.family = old.family AND rows.day = old.day;
    INSERT INTO {days} OVERRIDING SYSTEM VALUE SELECT * FROM {originals};
    DROP TABLE {originals};
"""


class OtherUnits:
    """Compares staged readings with stored ones in other units, and changes the staged ones accordingly."""

    def __init__(self, cursor: CursorWrapper, staged: StagedReadings) -> None:
        self.cursor = cursor
        self.originals = f"{staged.days}_originals"
        self.days = staged.days
        self.names = {"days": staged.days, "streams": staged.streams, "originals": self.originals}
        self.siblings, self.ranges = fetch_siblings(cursor, staged.streams)

    def restore(self) -> None:
        """Take back what an earlier comparison changed, because what is stored may have changed since."""
        if staging_tables.exists(self.originals):
            self.cursor.execute(_RESTORE.format(**self.names))

    def compare(self) -> Iterator[pl.DataFrame]:
        """Yield the staged readings that contradict stored ones, with `OTHER`, and leave them out."""
        self.restore()
        if self.siblings.is_empty():
            return
        self.cursor.execute(_DAYS.format(**self.names))
        days = self.cursor.fetchall()
        if days:
            self.cursor.execute(f"CREATE TABLE {self.originals} (LIKE {self.days})")
        for block in divide(days):
            yield self._compare_block(block)

    def _compare_block(self, block: Block) -> pl.DataFrame:
        staged, stored = self._fetch(_STAGED, block, lines=pl.String), self._fetch(_STORED, block, run_id=pl.Int64)
        if not staged["lines"].count():
            staged = staged.drop("lines")  # of readings that come from no file
        readings = unpack(staged)
        met = _find_met(readings, unpack(stored, "run_id", "value_decimals"), self.siblings)
        wrong = met.filter(~pl.col("agrees")).unique(INSTANT, keep="first", maintain_order=True)
        moved = met.filter("agrees").join(wrong, on=INSTANT, how="anti", maintain_order="left")
        moved = moved.unique(INSTANT, keep="first", maintain_order=True)
        if not met.is_empty():
            rest = readings.join(met, on=INSTANT, how="anti", maintain_order="left")
            as_stored = {name: pl.col(f"{name}_stored") for name in ("stream", "value", "decimals")}
            self._replace(block, pl.concat([rest, moved.with_columns(**as_stored).select(rest.columns)]))
        return wrong.select(*readings.columns, *OTHER)

    def _fetch(self, query: str, block: Block, **others: type[pl.DataType]) -> pl.DataFrame:
        return fetch(self.cursor, query.format(**self.names), block.values, others)

    def _replace(self, block: Block, readings: pl.DataFrame) -> None:
        """Let these be all staged readings of the block."""
        self.cursor.execute(_REMOVE.format(**self.names), block.values)
        ordered = order(readings.unique(INSTANT, maintain_order=True))
        copy_in(self.cursor, self.days, add_figures(pack(ordered), ordered, self.ranges))


def _find_met(staged: pl.DataFrame, stored: pl.DataFrame, siblings: pl.DataFrame) -> pl.DataFrame:
    """Return each staged reading with each stored one of its instant in another unit, and whether it `agrees`."""
    own = add_numbers(staged, siblings)
    # Zeros at the end are not stored, but on most days one of the values has all decimals.
    of_stored = siblings.drop("stated")
    before = stored.rename({"value_decimals": "stated"})
    others = add_numbers(before, of_stored).sort("preference")
    met = own.join(others, on=FAMILY, suffix="_stored", maintain_order="left_right")
    met = met.filter(pl.col("stream") != pl.col("stream_stored")).with_columns(agrees=agrees("_stored"))
    return met.with_columns(
        other_value="value_stored",
        other_decimals="decimals_stored",
        other_unit="unit_stored",
        other_line=pl.lit(None, pl.Int64),
        other_run="run_id",
    )
