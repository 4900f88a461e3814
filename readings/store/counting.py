"""Count what the staged readings of a run would change: new, changed and unchanged readings of each staged row."""

from collections.abc import Mapping

import polars as pl
from django.db.backends.utils import CursorWrapper

from readings.store.applying import Application
from readings.store.blocks import NEAR, WITHIN, Block, divide
from readings.store.columns import INSTANT, MEASURED, add_day
from readings.store.packing import KEY, unpack
from readings.store.rows import fetch, select_packed

_TABLE = """
    CREATE TABLE {counts} AS
    SELECT days.stream, days.day, days.utc_offset,
           CASE WHEN known.kind IS NULL OR NOT known.is_met THEN days.reading_count ELSE 0 END AS new, 0 AS changed,
           CASE WHEN known.kind = 'same' THEN days.reading_count ELSE 0 END AS unchanged
      FROM {days} AS days LEFT JOIN {known} AS known USING (stream, day, utc_offset)
     WHERE known.kind IS NULL OR known.kind = 'same' OR NOT known.is_met
"""
_TOTALS = """
    SELECT coalesce(sum(new), 0), coalesce(sum(changed), 0), coalesce(sum(unchanged), 0),
           count(*) FILTER (WHERE new + changed > 0) FROM {counts}
"""


def count_changes(cursor: CursorWrapper, application: Application) -> Mapping[str, int]:
    """Return the readings that are new, changed and unchanged, and the days that change; after `compare`.

    The table `…_counts` then has the numbers for each staged row.
    """
    counts = f"{application.staged.days}_counts"
    names = {**application.names, "counts": counts}
    cursor.execute(f"DROP TABLE IF EXISTS {counts}")
    cursor.execute(_TABLE.format(**names))
    cursor.execute(
        f"SELECT patient_id, stream_id, day, sum(reading_count) FROM {application.known}"  # noqa: S608 (own name)
        " WHERE kind = 'fold' AND is_met GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    )
    for block in divide(cursor.fetchall()):
        counted = _count_block(cursor, application, block)
        with cursor.copy(f"COPY {counts} FROM STDIN") as copy:
            rows = counted.with_columns(pl.from_epoch("day", "d"))
            copy.write(rows.write_csv(include_header=False, separator="\t"))
    cursor.execute(_TOTALS.format(counts=counts))
    return dict(zip(("new", "changed", "unchanged", "days"), map(int, cursor.fetchone()), strict=True))


def _count_block(cursor: CursorWrapper, application: Application, block: Block) -> pl.DataFrame:
    staged = f"""
        SELECT {select_packed("known.stream", alias="days")} FROM {application.known} AS known
          JOIN {WITHIN}
            ON known.patient_id = block.patient_id AND known.stream_id = block.stream_id AND known.day = block.day
          JOIN {application.staged.days} AS days
            ON days.stream = known.stream AND days.day = known.day AND days.utc_offset = known.utc_offset
         WHERE known.kind = 'fold' AND known.is_met
    """  # noqa: S608 (own names)
    stored = f"""
        SELECT {select_packed("streams.stream")} FROM reading_days AS rows JOIN {NEAR}
            ON rows.patient_id = block.patient_id AND rows.stream_id = block.stream_id AND rows.day = block.day
          JOIN {application.staged.streams} AS streams ON streams.stream_id = rows.stream_id
    """  # noqa: S608 (own names)
    own = add_day(unpack(fetch(cursor, staged, block.values)))
    before = unpack(fetch(cursor, stored, block.values)).select(*INSTANT, *MEASURED, is_stored=pl.lit(value=True))
    joined = own.join(before, on=INSTANT, how="left", suffix="_before")
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"{name}_before")) for name in MEASURED)
    is_stored = pl.col("is_stored").fill_null(value=False)
    return joined.group_by(KEY).agg(
        new=(~is_stored).sum(), changed=(is_stored & ~same).sum(), unchanged=(is_stored & same).sum()
    )
