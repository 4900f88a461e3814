"""Episodes of a run, which are nights of sleep and workouts: staged, counted and written."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from django.db.backends.utils import CursorWrapper

from readings.store.staging import StagedReadings

_SAME = "stored.patient_id = streams.patient_id AND stored.stream_id = streams.stream_id"
# Of several runs, the latest one shows what an episode is.
_COUNT = f"""
    SELECT count(*) FILTER (WHERE latest.ends_at IS NULL),
           count(*) FILTER (WHERE (latest.ends_at, latest.stages) <> (own.ends_at, own.stages)),
           count(*) FILTER (WHERE (latest.ends_at, latest.stages) = (own.ends_at, own.stages))
      FROM {{episodes}} AS own JOIN {{streams}} AS streams USING (stream)
      LEFT JOIN LATERAL (
          SELECT stored.ends_at, stored.stages FROM episodes AS stored LEFT JOIN reading_runs AS run USING (run_id)
           WHERE {_SAME} AND stored.starts_at = own.starts_at
           ORDER BY run.position DESC NULLS LAST LIMIT 1) AS latest ON true
"""  # noqa: S608 (constants of this module)
_WRITE = """
    INSERT INTO episodes (patient_id, stream_id, starts_at, run_id, ends_at, start_offset, end_offset, day, stages)
    SELECT streams.patient_id, streams.stream_id, starts_at, %s, ends_at, start_offset, end_offset, day, stages
      FROM {episodes} JOIN {streams} AS streams USING (stream)
"""


class Episode(NamedTuple):
    """A night or a workout of a stream of the run; `stages` as in the table `episodes`, instants in microseconds."""

    stream: int
    starts_at: int
    ends_at: int
    start_offset: int
    end_offset: int
    day: date
    stages: Sequence[tuple[int, str]]
    line: int


def add(cursor: CursorWrapper, staged: StagedReadings, episodes: Iterable[Episode]) -> None:
    """Stage episodes."""
    columns = "stream, starts_at, ends_at, start_offset, end_offset, day, stages, line"
    with cursor.copy(f"COPY {staged.episodes} ({columns}) FROM STDIN") as copy:
        for stream, starts_at, ends_at, start_offset, end_offset, day, stages, line in episodes:
            instants = (to_datetime(starts_at), to_datetime(ends_at))
            copy.write_row((stream, *instants, start_offset, end_offset, day, json.dumps(stages), line))


def to_datetime(microseconds: int) -> datetime:
    """Return the instant that so many microseconds since 1970 are."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)


def count(cursor: CursorWrapper, staged: StagedReadings) -> Mapping[str, int]:
    """Return how many staged episodes are new, changed and unchanged; after `Application.compare`."""
    cursor.execute(_COUNT.format(episodes=staged.episodes, streams=staged.streams))
    names = ("new_episodes", "changed_episodes", "unchanged_episodes")
    return dict(zip(names, cursor.fetchone(), strict=True))


def write(cursor: CursorWrapper, staged: StagedReadings) -> None:
    """Write the staged episodes, after their streams."""
    cursor.execute(_WRITE.format(episodes=staged.episodes, streams=staged.streams), [staged.run_id])
