"""The store of readings beside a narrow table with a key: bytes, loading, repetition, undo. `HEALTHTRACK_READINGS` sets
the number of readings.
"""

import os
import time
from collections.abc import Iterator

import polars as pl
from django.db import connection, transaction

from healthtrack.imports import staging_tables
from healthtrack.imports.progress import NoProgress
from readings.models import Metric
from readings.store import undoing
from readings.store.applying import Application, lock_order
from readings.store.columns import READINGS
from readings.store.counting import count_changes
from readings.store.ranges import make_ranges
from readings.store.staging import StagedReadings, Stream

READINGS_IN_ALL = int(os.environ.get("HEALTHTRACK_READINGS", "100000000"))
NARROW = min(READINGS_IN_ALL, 10_000_000)
PATIENTS = 60
CHUNK = 1_000_000
BEGIN = 1_672_531_200_000_000
_NARROW = "CREATE TABLE narrow (stream integer, at timestamptz, value real, PRIMARY KEY (stream, at))"


def measure_readings() -> None:
    """Print bytes and times of heart rate every 5 to 15 seconds, as ratios to the narrow table."""
    narrow_seconds, narrow_bytes = _load_narrow()
    began, cpu = time.monotonic(), _cpu()
    _load(1)
    seconds, own_cpu = time.monotonic() - began, _cpu() - cpu
    size = _size("reading_days") / READINGS_IN_ALL
    print(f"bytes for each reading: {size:.2f}, narrow table {narrow_bytes:.1f}")
    rate, narrow_rate = READINGS_IN_ALL / seconds, NARROW / narrow_seconds
    print(f"loading: {rate / 1e6:.2f} million/s, {rate / narrow_rate:.1f} x COPY into the narrow table")
    print(f"loading: {READINGS_IN_ALL / own_cpu / 1e6:.2f} million/s of the program's CPU time")
    began = time.monotonic()
    counts = _load(2)
    again = time.monotonic() - began
    print(f"the same again: {counts['new']} new, {counts['changed']} changed, {again / seconds:.2f} x the first time")
    for run in (2, 1):
        began = time.monotonic()
        with transaction.atomic(), connection.cursor() as cursor:
            lock_order()
            undoing.undo(cursor, run)
        print(f"undo of run {run}: {(time.monotonic() - began) / seconds:.2f} x the first time")


def _load(run: int) -> dict[str, int]:
    metric = Metric.objects.get(code="heart_rate")
    with transaction.atomic():
        staged = StagedReadings(run, make_ranges([])).create()
        for patient in range(PATIENTS):
            staged.number(Stream(f"P{patient:05}", metric.metric_id, "Watch", "/min"))
        for chunk in generate():
            staged.add(chunk)
        for _ in staged.unite():
            pass
        with connection.cursor() as cursor:
            lock_order()
            application = Application(staged)
            application.compare(cursor)
            counts = count_changes(cursor, application)
            application.write(cursor, NoProgress().advance)
        staging_tables.drop(run)
    return dict(counts)


def generate() -> Iterator[pl.DataFrame]:
    """Yield heart rates of one patient after the other, every 5 to 15 seconds, always the same."""
    each = READINGS_IN_ALL // PATIENTS
    for patient in range(1, PATIENTS + 1):
        gaps = pl.Series(range(each)).hash(patient) % 11 + 5
        noise = (pl.Series(range(each)).hash(patient + 1000) % 5).cast(pl.Int64) - 2
        drift = (pl.Series(range(each)).cast(pl.Float64) / 500).sin() * 25
        frame = pl.DataFrame({"at": gaps.cast(pl.Int64).cum_sum() * 1_000_000 + BEGIN, "value": 75 + noise + drift})
        rows = frame.select(
            stream=pl.lit(patient, pl.Int32),
            at="at",
            length=pl.lit(None, pl.Int64),
            utc_offset=pl.lit(3600, pl.Int32),
            value=pl.col("value").round(0).cast(pl.Int64),
            decimals=pl.lit(0, pl.Int8),
            proven=pl.lit(value=False),
        ).select(*READINGS)
        yield from rows.iter_slices(CHUNK)


def _load_narrow() -> tuple[float, float]:
    left = NARROW
    with connection.cursor() as cursor:
        cursor.execute(_NARROW)
        began = time.monotonic()
        with transaction.atomic(), cursor.copy("COPY narrow FROM STDIN") as copy:
            for chunk in generate():
                part = chunk.head(left)
                left -= len(part)
                rows = part.select("stream", pl.from_epoch("at", "us").dt.strftime("%Y-%m-%d %H:%M:%S+00"), "value")
                copy.write(rows.write_csv(include_header=False, separator="\t"))
                if not left:
                    break
        seconds = time.monotonic() - began
        size = _size("narrow") / NARROW
        cursor.execute("DROP TABLE narrow")
    return seconds, size


def _cpu() -> float:
    return time.process_time()


def _size(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_total_relation_size(%(table)s::regclass) + coalesce(sum(pg_total_relation_size(inhrelid)), 0)"
            " FROM pg_inherits WHERE inhparent = %(table)s::regclass",
            {"table": table},
        )
        return int(cursor.fetchone()[0])
