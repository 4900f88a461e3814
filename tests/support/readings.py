"""Readings for tests: runs that are written at once, and the readings that are stored."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import polars as pl
from django.db import connection

from readings.models import Contribution, Metric, ReadingStream
from readings.store import undoing, writing
from readings.store.applying import lock_order
from readings.store.columns import READINGS
from readings.store.staging import Stream


class Reading(NamedTuple):
    """A reading: instant and length in microseconds, offset in seconds."""

    stream: int
    at: int
    value: int
    decimals: int = 0
    utc_offset: int = 0
    length: int | None = None
    proven: bool = False


def streams(patient: str = "P1", source: str = "Watch") -> list[Stream]:
    """Return three streams of a patient: heart rate, glucose in mmol/L, and steps, which are intervals."""
    metrics = dict(Metric.objects.values_list("code", "metric_id"))
    units = {"heart_rate": "/min", "glucose": "mmol/L", "steps": "{steps}"}
    return [Stream(patient, metrics[code], source, unit) for code, unit in units.items()]


def make_readings() -> list[Reading]:
    """Return readings of two days for all three of `streams`, with a gap."""
    begin = 1_741_132_800_000_000  # 2025-03-05
    minutes = [minute for minute in range(0, 2 * 1440, 30) if not 600 < minute < 900]
    return [
        Reading(
            stream,
            begin + minute * 60_000_000,
            value + minute // 60 % 24,
            utc_offset=3600,
            decimals=int(stream == 2),
            length=900_000_000 if stream == 3 else None,
        )
        for stream, value in ((1, 60), (2, 50), (3, 100))
        for minute in minutes
    ]


def to_frame(readings: Iterable[Reading]) -> pl.DataFrame:
    rows = [(each.stream, each.at, each.length, each.utc_offset, *each[2:4], each.proven) for each in readings]
    return pl.DataFrame(rows, schema=READINGS, orient="row")


def write_run(run_id: int, chunks: Sequence[Sequence[Reading]], of: Sequence[Stream]) -> set[tuple[int, int]]:
    """Write a run of readings that arrive in chunks, and return the instants of those that contradict each other."""
    written = writing.write_run(run_id, of, [to_frame(chunk) for chunk in chunks])
    return set(written.contradictory.select("stream", "at").iter_rows())


def undo_run(run_id: int) -> None:
    with connection.cursor() as cursor:
        lock_order()
        undoing.undo(cursor, run_id)


def undo_all(inputs: dict[int, Any], order: Sequence[int], check_all: Callable[[dict[int, Any]], None]) -> None:
    """Undo the runs in this order; check after each what the other `inputs` lead to, and at last that none is left."""
    for run_id in order:
        undo_run(run_id)
        del inputs[run_id]
        check_all(inputs)
    assert not ReadingStream.objects.exists()
    assert not Contribution.objects.exists()


def finish_run(run_id: int) -> None:
    with connection.cursor() as cursor:
        lock_order()
        undoing.make_final(cursor, run_id)


def to_readings(frame: pl.DataFrame) -> list[Reading]:
    columns = ["stream", "at", "value", "decimals", "utc_offset", "length", "proven"]
    return [Reading(*row) for row in frame.select(columns).iter_rows()]
