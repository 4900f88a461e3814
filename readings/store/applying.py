"""Write the staged readings of a run into the day rows, within the transaction of the run."""

from collections.abc import Callable

import polars as pl
from django.db import connection
from django.db.backends.utils import CursorWrapper

from readings.store import episodes
from readings.store.columns import READINGS
from readings.store.fold import Change, fold_days
from readings.store.other_units import ADD_SIBLINGS, OtherUnits
from readings.store.overlaps import AFFECTED_DAYS, FIND_KNOWN
from readings.store.partitions import make_partitions
from readings.store.rows import comma
from readings.store.staging import STORED, StagedReadings

_LOCK = 0x52454144  # "READ"
_STEP = 500_000  # readings

Report = Callable[[int], None]


def lock_order() -> None:
    """Wait until no other run writes readings; others wait until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def prefer_keys(cursor: CursorWrapper) -> None:
    """Let the planner find stored rows by their keys until the transaction ends.

    It knows nothing of staged rows, and might read all stored readings instead.
    """
    cursor.execute("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL jit = off")


class Application:
    """Applies the staged readings of a run. Use it within a transaction that has called `lock_order`."""

    def __init__(self, staged: StagedReadings) -> None:
        self.staged = staged
        self.known = f"{staged.days}_known"
        self.names = {"days": staged.days, "streams": staged.streams, "known": self.known}

    def compare(self, cursor: CursorWrapper) -> pl.DataFrame:
        """Find the staged rows that meet stored readings, after resolving the streams that exist.

        Return the staged readings that contradict stored ones in another unit, with `OTHER`; they are left out.
        """
        cursor.execute(ADD_SIBLINGS.format(**self.names))
        cursor.execute(
            f"""
            UPDATE {self.staged.streams} AS staged SET stream_id = stored.stream_id, is_new = stored.stream_id IS NULL
              FROM {self.staged.streams} AS own LEFT JOIN reading_streams AS stored
                ON stored.patient_id = own.patient_id AND stored.metric_id = own.metric_id
               AND stored.source = own.source AND stored.unit = own.unit AND stored.origin = ''
             WHERE staged.stream = own.stream
            """  # noqa: S608 (own names)
        )
        cursor.execute(f"DROP TABLE IF EXISTS {self.known}")
        prefer_keys(cursor)
        contradictory = [*OtherUnits(cursor, self.staged).compare()]
        cursor.execute(f"CREATE TABLE {self.known} AS {FIND_KNOWN.format(**self.names)}")
        cursor.execute(f"CREATE UNIQUE INDEX ON {self.known} (stream, day, utc_offset)")
        cursor.execute(f"ANALYZE {self.known}")
        return pl.concat(contradictory) if contradictory else pl.DataFrame(schema=READINGS)

    def write(self, cursor: CursorWrapper, report: Report) -> None:
        """Write the compared rows. `report` receives the numbers of readings that were written, in steps."""
        run = self.staged.run_id
        cursor.execute(
            "INSERT INTO reading_runs (run_id, position) SELECT %s, coalesce(max(position), 0) + 1 FROM reading_runs",
            [run],
        )
        self._make_partitions(cursor)
        self._make_streams(cursor)
        self._insert_new(cursor, report)
        cursor.execute(
            f"INSERT INTO reading_contributions (patient_id, stream_id, day, utc_offset, run_id, same_as)"  # noqa: S608 (own names)
            f" SELECT patient_id, stream_id, day, utc_offset, %s, owner FROM {self.known} WHERE kind = 'same'",
            [run],
        )
        episodes.write(cursor, self.staged)
        self._fold(cursor, report)

    def _make_partitions(self, cursor: CursorWrapper) -> None:
        cursor.execute(f"SELECT DISTINCT extract(year FROM day)::integer FROM {self.staged.days}")  # noqa: S608 (own names)
        make_partitions(year for (year,) in cursor.fetchall())

    def _make_streams(self, cursor: CursorWrapper) -> None:
        cursor.execute(
            f"UPDATE {self.staged.streams} SET stream_id = nextval('reading_stream_numbers') WHERE is_new"  # noqa: S608 (own names)
        )
        cursor.execute(
            f"""
            INSERT INTO reading_streams (patient_id, stream_id, metric_id, source, unit, model)
            SELECT patient_id, stream_id, metric_id, source, unit, model FROM {self.staged.streams} AS streams
             WHERE is_new AND (EXISTS (SELECT FROM {self.staged.days} AS days WHERE days.stream = streams.stream)
                               OR EXISTS (SELECT FROM {self.staged.episodes} AS own WHERE own.stream = streams.stream))
            """  # noqa: S608 (own names)
        )

    def _insert_new(self, cursor: CursorWrapper, report: Report) -> None:
        """Insert the rows that meet no stored reading, in steps of streams, so that people see the progress."""
        cursor.execute(f"SELECT stream, sum(reading_count) FROM {self.staged.days} GROUP BY stream ORDER BY stream")  # noqa: S608 (own names)
        sizes = cursor.fetchall()
        first, readings = 0, 0
        for place, (stream, size) in enumerate(sizes):
            readings += size
            if readings >= _STEP or place == len(sizes) - 1:
                self._insert_streams(cursor, first, stream)
                report(readings)
                first, readings = stream + 1, 0

    def _insert_streams(self, cursor: CursorWrapper, first: int, last: int) -> None:
        cursor.execute(
            f"""
            INSERT INTO reading_days (patient_id, stream_id, day, utc_offset, run_id, {comma(STORED)})
            SELECT streams.patient_id, streams.stream_id, days.day, days.utc_offset, %(run)s, {comma(STORED, "days")}
              FROM {self.staged.days} AS days JOIN {self.staged.streams} AS streams USING (stream)
             WHERE days.stream BETWEEN %(first)s AND %(last)s
               AND NOT EXISTS (SELECT FROM {self.known} AS known WHERE known.stream = days.stream
                                  AND known.day = days.day AND known.utc_offset = days.utc_offset)
            """,  # noqa: S608 (own names)
            {"run": self.staged.run_id, "first": first, "last": last},
        )

    def _fold(self, cursor: CursorWrapper, report: Report) -> None:
        """Fold the rows that meet stored readings with them."""
        rows = f"""
            (SELECT known.patient_id, known.stream_id, days.* FROM {self.known} AS known
               JOIN {self.staged.days} AS days USING (stream, day, utc_offset) WHERE kind = 'fold')
        """  # noqa: S608 (own names)
        fold_days(cursor, AFFECTED_DAYS.format(**self.names), Change(rows, self.staged.run_id), report)
