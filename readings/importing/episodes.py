"""Nights and workouts of the files of a run: rows of stages are collected, and become episodes at the end."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import groupby, islice
from typing import NamedTuple

import polars as pl
from django.db import connection

from readings.formats.batch import LINE
from readings.store import episodes
from readings.store.columns import MICROSECONDS
from readings.store.episodes import Episode, to_datetime
from readings.store.staging import StagedReadings

# Rows of sleep that no name unites are one night if no more time is between them.
_MAX_GAP = 3600 * MICROSECONDS
# No episode is longer, so that what is in memory is bounded.
_MAX_LENGTH = 48 * 3600 * MICROSECONDS
_BATCH = 5000
_COLUMNS = ("stream", "episode", "at", "end_at", "utc_offset", "end_offset", "stage", LINE)
# Where stages of one source overlap, the later of this list counts: what is more exact.
_PREFERRED = ("in_bed", "asleep", "light", "deep", "rem", "restless", "awake")
_UNKNOWN = "unknown"
_CONTRADICTORY = """
    DELETE FROM {episodes} AS own
     USING (SELECT stream, starts_at FROM {episodes} GROUP BY stream, starts_at
            HAVING count(DISTINCT (ends_at, stages)) > 1) AS several
     WHERE own.stream = several.stream AND own.starts_at = several.starts_at
    RETURNING own.line
"""
_REPEATED = """
    DELETE FROM {episodes} AS own USING {episodes} AS other
     WHERE own.stream = other.stream AND own.starts_at = other.starts_at AND own.ctid > other.ctid
"""


class StageRow(NamedTuple):
    """A checked row of a stage or a workout; instants in microseconds, offsets in seconds."""

    stream: int
    episode: str | None
    at: int
    end_at: int
    utc_offset: int
    end_offset: int
    stage: str | None
    line: int


class EpisodeStaging:
    """Stages the episodes of a run."""

    def __init__(self, staged: StagedReadings) -> None:
        self.staged = staged
        self.stages = f"{staged.episodes}_stages"
        self.count = 0
        self.has_rows = False

    def create(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                f"CREATE TABLE {self.stages} (stream integer, episode text, at bigint, end_at bigint,"
                " utc_offset integer, end_offset integer, stage text, line bigint)"
            )

    def add(self, rows: pl.DataFrame) -> None:
        """Add checked rows with the number of their stream."""
        self.count += len(rows)
        self.has_rows = True
        with connection.cursor() as cursor, cursor.copy(f"COPY {self.stages} FROM STDIN") as copy:
            for row in rows.select(_COLUMNS).iter_rows():
                copy.write_row(row)

    def unite(self, workouts: set[int]) -> Sequence[int]:
        """Make episodes of all rows, and return the lines of those that contradict each other, which are left out.

        `workouts` are the streams whose rows are workouts, each of which is an episode.
        """
        names = {"episodes": self.staged.episodes}
        with connection.cursor() as cursor:
            if self.has_rows:
                made = self._make_episodes(workouts)
                while batch := list(islice(made, _BATCH)):
                    episodes.add(cursor, self.staged, batch)
            cursor.execute(_CONTRADICTORY.format(**names))
            contradictory = sorted(line for (line,) in cursor.fetchall())
            cursor.execute(_REPEATED.format(**names))
            cursor.execute(f"ALTER TABLE {self.staged.episodes} ADD PRIMARY KEY (stream, starts_at)")
            cursor.execute(f"DROP TABLE {self.stages}")
        return contradictory

    def _make_episodes(self, workouts: set[int]) -> Iterator[Episode]:
        with connection.chunked_cursor() as cursor:
            cursor.execute(f"SELECT * FROM {self.stages} ORDER BY stream, episode, at, end_at, stage")  # noqa: S608 (own name)
            rows = (StageRow(*row) for row in cursor)
            for (stream, name), alike in groupby(rows, key=lambda row: (row.stream, row.episode)):
                is_workout = stream in workouts
                gap = _MAX_LENGTH if name else -_MAX_LENGTH if is_workout else _MAX_GAP
                for group in divide(alike, gap):
                    yield make_episode(group, is_workout=is_workout)


def divide(rows: Iterator[StageRow], gap: int) -> Iterator[list[StageRow]]:
    """Yield the rows of each episode, between which is more time than `gap`; the rows are in the order of time."""
    group: list[StageRow] = []
    end = 0
    for row in rows:
        if group and (row.at - end > gap or row.at - group[0].at > _MAX_LENGTH):
            yield group
            group = []
        end = max(end, row.end_at) if group else row.end_at
        group.append(row)
    if group:
        yield group


def make_episode(rows: Sequence[StageRow], *, is_workout: bool) -> Episode:
    """Return the episode that the rows, in the order of time, make up."""
    first, last = rows[0], max(rows, key=lambda row: row.end_at)
    decisive = (first.at, first.utc_offset) if is_workout else (last.end_at, last.end_offset)
    day = (to_datetime(decisive[0]) + timedelta(seconds=decisive[1])).date()
    stages = [(0, first.stage or "")] if is_workout else make_stages(rows)
    return Episode(
        first.stream, first.at, last.end_at, first.utc_offset, last.end_offset, day, stages, min(r.line for r in rows)
    )


def make_stages(rows: Sequence[StageRow]) -> list[tuple[int, str]]:
    """Return the stages of a night, each with the seconds since its beginning, without overlaps."""
    bounds = sorted({instant for row in rows for instant in (row.at, row.end_at)})
    begin = bounds[0]
    stages: list[tuple[int, str]] = []
    open_rows: list[StageRow] = []
    coming = iter(rows)
    following = next(coming, None)
    for instant in bounds[:-1]:
        while following is not None and following.at <= instant:
            open_rows.append(following)
            following = next(coming, None)
        open_rows = [row for row in open_rows if row.end_at > instant]
        names = [row.stage or "asleep" for row in open_rows]
        name = max(names, key=_PREFERRED.index, default=_UNKNOWN)
        if not stages or stages[-1][1] != name:
            stages.append(((instant - begin) // MICROSECONDS, name))
    return stages
