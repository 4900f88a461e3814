"""The staged readings of a run: what its files hold, as day rows of its own, from the check to the end of the run.

Pieces arrive in any order and size. `unite` makes day rows of them, and finds readings that contradict each other:
those of one instant with different values, wherever in the files they are, and in whatever unit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import polars as pl
from django.db import connection
from django.db.backends.utils import CursorWrapper

from healthtrack.imports.staging_tables import STAGING_SCHEMA
from readings.store.blocks import NEAR, Block, divide
from readings.store.columns import LINE, READINGS, add_day, unite_repeated
from readings.store.figures import RANGES, add_figures
from readings.store.packing import order, pack, unpack
from readings.store.rows import ARRAYS, FIGURES, LISTS, comma, copy_in, fetch, select_packed
from readings.store.siblings import SIBLINGS, fetch_siblings, unite_siblings

STORED = (*ARRAYS, *FIGURES)
# The pieces that may share instants with others or with contradictory readings, and those of days that are in several
# pieces, because a chunk ended on them. Siblings may share instants, so they count as one stream, their family.
_REPEATED = """
    WITH placed AS NOT MATERIALIZED ({placed}), contradictory AS (
        SELECT DISTINCT family, day FROM {contradictory} JOIN {streams} USING (stream))
    SELECT piece FROM placed
     WHERE EXISTS (SELECT FROM contradictory AS reading WHERE reading.family = placed.family
                      AND reading.day BETWEEN placed.day - 2 AND placed.day + 2)
    UNION
    SELECT piece FROM (
        SELECT piece, first_at, last_at,
               max(last_at) OVER (PARTITION BY family ORDER BY first_at, piece
                                  ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS last_before,
               min(first_at) OVER (PARTITION BY family ORDER BY first_at, piece
                                   ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS first_after,
               count(*) OVER (PARTITION BY family, day, utc_offset) AS pieces
          FROM placed
    ) AS ordered
     WHERE pieces > 1 OR first_at <= last_before OR last_at >= first_after
"""
# Without siblings, the join would take time for nothing.
_PLACED = "SELECT piece, stream AS family, day, utc_offset, first_at, last_at FROM {pieces}"
_PLACED_WITH_SIBLINGS = f"{_PLACED} JOIN {{streams}} USING (stream)".replace("stream AS family", "family")
_DAYS = """
    SELECT '', family, day, sum(readings) FROM (
        SELECT stream, day, reading_count AS readings FROM {repeated}
        UNION ALL
        SELECT stream, day, 1 FROM {contradictory}
    ) AS repeated
      JOIN {streams} USING (stream)
     GROUP BY family, day ORDER BY family, day
"""
# What plans depend on; the analysis of the arrays would take longer than the plans save.
_PLANNED = "stream, day, utc_offset, first_at, last_at, reading_count"
_CONTRADICTORY: dict[str, Any] = {"day": pl.Date, **READINGS, LINE: pl.Int64}


@dataclass(frozen=True)
class Stream:
    """A stream as a file describes it."""

    patient: str
    metric_id: int
    source: str
    unit: str


class StagedReadings:
    """The staging tables of a run: its streams, the pieces that arrived, and its day rows."""

    def __init__(self, run_id: int, ranges: pl.DataFrame | None = None) -> None:
        prefix = f"{STAGING_SCHEMA}.run_{run_id:d}_"
        self.run_id = run_id
        self.streams, self.pieces, self.days = (f"{prefix}{name}" for name in ("streams", "pieces", "days"))
        self.repeated, self.contradictory = f"{prefix}repeated", f"{prefix}contradictory"
        self.episodes = f"{prefix}episodes"
        self.has_lines = False
        self.ranges = ranges if ranges is not None else pl.DataFrame(schema=RANGES)
        self.siblings = pl.DataFrame(schema=SIBLINGS)
        self.numbers: dict[Stream, int] = {}
        # The fewest decimals with which files state values of each stream, where they say it.
        self.stated: dict[int, int] = {}
        # The serial number, or an empty text, and the text of the model of each stream that has one of them.
        self.devices: dict[int, tuple[str, str]] = {}

    def create(self) -> Self:
        """Create the tables; those of an earlier attempt must be dropped before."""
        columns = ", ".join(f"{name} {kind}" for name, kind in {**ARRAYS, **FIGURES}.items())
        with connection.cursor() as cursor:
            cursor.execute(
                f'CREATE TABLE {self.streams} (stream integer PRIMARY KEY, family integer, patient_id text COLLATE "C",'
                " metric_id integer, source text, unit text, serial_number text, model text, stated smallint,"
                " stream_id integer, is_new boolean, UNIQUE (family, unit))"
            )
            cursor.execute(
                f"CREATE TABLE {self.pieces} (piece bigint GENERATED ALWAYS AS IDENTITY, stream integer, day date,"
                f" utc_offset integer, {columns}, lines bigint[])"
            )
            # They are compressed when they are stored for good, which readings that are known already never are.
            uncompressed = (f"ALTER {name} SET STORAGE EXTERNAL" for name in (*LISTS, "lines"))
            cursor.execute(f"ALTER TABLE {self.pieces} {', '.join(uncompressed)}")
            cursor.execute(
                f"CREATE TABLE {self.contradictory} (day date, stream integer, at bigint, length bigint,"
                " utc_offset integer, value bigint, decimals smallint, proven boolean, line bigint)"
            )
            cursor.execute(
                f"CREATE TABLE {self.episodes} (stream integer, starts_at timestamptz, ends_at timestamptz,"
                " start_offset integer, end_offset integer, day date, stages jsonb, line bigint)"
            )
        return self

    def number(self, stream: Stream) -> int:
        """Return the number of a stream within the run, from 1."""
        return self.numbers.setdefault(stream, len(self.numbers) + 1)

    def add(self, readings: pl.DataFrame) -> None:
        """Add readings, with the columns of `READINGS`, and `line` if errors can name it."""
        self.has_lines = LINE in readings.columns
        single, contradictory = unite_repeated(readings)
        ordered = order(single)
        rows = add_figures(pack(ordered), ordered, self.ranges)
        with connection.cursor() as cursor:
            copy_in(cursor, self.pieces, rows)
            if not contradictory.is_empty():
                self._add_contradictory(cursor, contradictory)

    def _add_contradictory(self, cursor: CursorWrapper, readings: pl.DataFrame) -> None:
        numbered = readings if self.has_lines else readings.with_columns(pl.lit(None, pl.Int64).alias(LINE))
        rows = add_day(numbered).with_columns(pl.from_epoch("day", "d")).select(*_CONTRADICTORY)
        with cursor.copy(f"COPY {self.contradictory} FROM STDIN") as copy:
            copy.write(rows.write_csv(include_header=False, separator="\t", null_value="\\N"))

    def unite(self) -> Iterator[pl.DataFrame]:
        """Make the day rows of the run from its pieces. Yield readings that contradict each other, and leave them out.

        Call it once, after all pieces have been added.
        """
        names = {"pieces": self.pieces, "repeated": self.repeated, "contradictory": self.contradictory}
        names["streams"] = self.streams
        with connection.cursor() as cursor:
            self._store_streams(cursor)
            self.siblings, _ = fetch_siblings(cursor, self.streams)
            placed = _PLACED if self.siblings.is_empty() else _PLACED_WITH_SIBLINGS
            cursor.execute(f"ANALYZE {self.pieces} ({_PLANNED})")
            cursor.execute(
                f"CREATE TABLE {self.repeated} AS SELECT * FROM {self.pieces}"  # noqa: S608 (own names)
                f" WHERE piece IN ({_REPEATED.format(**names, placed=placed.format(**names))})"
            )
            cursor.execute(f"DELETE FROM {self.pieces} WHERE piece IN (SELECT piece FROM {self.repeated})")  # noqa: S608  (own names)
            # All other pieces are days already, so they are not copied.
            cursor.execute(f"ALTER TABLE {self.pieces} RENAME TO {self.days.partition('.')[2]}")
            cursor.execute(f"CREATE INDEX ON {self.repeated} (stream, day)")
            cursor.execute(_DAYS.format(**names))
            for block in divide(cursor.fetchall()):
                contradictory = self._unite_block(cursor, block)
                if not contradictory.is_empty():
                    yield contradictory
            cursor.execute(f"DROP TABLE {self.contradictory}, {self.repeated}")
            cursor.execute(f"ALTER TABLE {self.days} ADD PRIMARY KEY (stream, day, utc_offset)")
            cursor.execute(f"ANALYZE {self.days} ({_PLANNED})")

    def _unite_block(self, cursor: CursorWrapper, block: Block) -> pl.DataFrame:
        """Store the day rows of a block of pieces, and return the contradictory readings of its days."""
        lines = ["array_to_string(rows.lines, ',')"] if self.has_lines else []
        query = f"""
            SELECT {select_packed("rows.stream", *lines)} FROM {self.repeated} AS rows {self._join_block()}
        """  # noqa: S608 (own names)
        rows = fetch(cursor, query, block.values, {"lines": pl.String} if self.has_lines else {})
        readings = pl.concat([unpack(rows), self._fetch_contradictory(cursor, block)])
        single, contradictory = unite_siblings(readings, self.siblings)
        single = order(self._select(block, single))
        copy_in(cursor, self.days, add_figures(pack(single), single, self.ranges))
        return self._select(block, contradictory)

    def _join_block(self) -> str:
        """Return SQL that joins `rows` with the families and days of a block, and the days around them."""
        return f"""
            JOIN {self.streams} AS streams ON streams.stream = rows.stream
            JOIN {NEAR} ON block.stream_id = streams.family AND block.day = rows.day
        """

    def _select(self, block: Block, readings: pl.DataFrame) -> pl.DataFrame:
        """Return those of the readings that are of the families and days of a block."""
        families = self.siblings.select("stream", "family")
        placed = add_day(readings).join(families, on="stream", how="left", maintain_order="left")
        placed = placed.with_columns(pl.col("family").fill_null(pl.col("stream")))
        return block.select(placed, "family").drop("day", "family")

    def _fetch_contradictory(self, cursor: CursorWrapper, block: Block) -> pl.DataFrame:
        columns = [*READINGS, *([LINE] if self.has_lines else [])]
        cursor.execute(
            f"SELECT {comma(columns, 'rows')} FROM {self.contradictory} AS rows {self._join_block()}",  # noqa: S608 (own names)
            block.values,
        )
        schema = {name: _CONTRADICTORY[name] for name in columns}
        return pl.DataFrame(cursor.fetchall(), schema=schema, orient="row")

    def _store_streams(self, cursor: CursorWrapper) -> None:
        columns = "stream, family, patient_id, metric_id, source, unit, serial_number, model, stated"
        families: dict[tuple[str, int, str], int] = {}
        with cursor.copy(f"COPY {self.streams} ({columns}) FROM STDIN") as copy:
            for stream, number in self.numbers.items():
                of_any_unit = (stream.patient, stream.metric_id, stream.source)
                family = families.setdefault(of_any_unit, number)
                device = self.devices.get(number, ("", ""))
                copy.write_row((number, family, *of_any_unit, stream.unit, *device, self.stated.get(number)))
        cursor.execute(f"ANALYZE {self.streams}")
