"""The store of readings beside other layouts: bytes, loading, repetition, undo.

`HEALTHTRACK_READINGS` sets the number of readings of the part `readings`. The part `billion` loads more than a billion.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from django.db import connection, transaction

from benchmarks.generated_readings import DAY, Generated
from benchmarks.reading_charts import YEAR, measure_charts
from readings.store import undoing
from readings.store.applying import lock_order
from readings.store.writing import write_run
from tests.support.memory import peak_megabytes

READINGS_IN_ALL = int(os.environ.get("HEALTHTRACK_READINGS", "100000000"))
MAX_OF_OTHERS = 10_000_000
HEART_RATE = Generated("heart_rate", "/min", 60, max(1, READINGS_IN_ALL * 10 // DAY // 60), 5, jitter=10)
GLUCOSE = Generated("glucose", "mg/dL", 2_000, max(1, READINGS_IN_ALL // 10 // 288 // 2_000), 300)
BILLION = (
    Generated("heart_rate", "/min", 60, 365, 5),
    Generated("glucose", "mg/dL", 2_000, 180, 300),
    Generated("steps", "{steps}", 100_000, 30, 300, is_interval=True),
)


@dataclass(frozen=True)
class Layout:
    """A table that has a row for each reading."""

    name: str
    table: str
    columns: Callable[[], list[pl.Expr]]


def _moment() -> pl.Expr:
    return pl.from_epoch("at", "us").dt.strftime("%Y-%m-%d %H:%M:%S+00")


def _identifier(seed: int) -> pl.Expr:
    """Return a UUID for each reading, made of two hashes."""
    halves = [pl.struct("stream", "at").hash(seed + half).cast(pl.String).str.zfill(20).str.tail(16) for half in (0, 1)]
    return pl.concat_str(halves)


NARROW = Layout(
    "a narrow table with its key",
    "CREATE TABLE other (patient integer, metric smallint, at timestamptz, value real, PRIMARY KEY (patient, metric,"
    " at))",
    lambda: [pl.col("stream"), pl.lit(1).alias("metric"), _moment(), pl.col("value")],
)
WIDE = Layout(
    "a table with identifiers, as the nearest open-source project has it",
    "CREATE TABLE other (id uuid PRIMARY KEY, source uuid, at timestamptz, zone varchar(6), value numeric(10, 3),"
    " kind integer, is_total boolean, UNIQUE (source, kind, at))",
    lambda: [
        _identifier(1).alias("id"),
        pl.format("00000000-0000-0000-0000-{}", pl.col("stream").cast(pl.String).str.zfill(12)).alias("source"),
        _moment().alias("moment"),
        pl.lit("+01:00").alias("zone"),
        pl.col("value"),
        pl.lit(1).alias("kind"),
        pl.lit("f").alias("is_total"),
    ],
)


def measure_readings() -> None:
    """Print bytes and times of heart rate every 5 to 15 seconds and glucose, as ratios to other layouts."""
    others = [_load_other(layout) for layout in (NARROW, WIDE)]
    before = _size()
    loaded = _load(1, HEART_RATE)
    bytes_of_each = (_size() - before) / HEART_RATE.count
    print(f"{HEART_RATE.count:,} readings of heart rate, every 5 to 15 s: {bytes_of_each:.2f} bytes each")
    print(f"  loading: {HEART_RATE.count / loaded.seconds / 1e6:.2f} million/s,")
    print(f"  {HEART_RATE.count / loaded.cpu_seconds / 1e6:.2f} million/s of the CPU time of program and server")
    for other in others:
        wall = HEART_RATE.count / loaded.seconds * other.seconds
        cpu = HEART_RATE.count / loaded.cpu_seconds * other.cpu_seconds
        print(
            f"  {wall:.1f} x as fast as COPY into {other.layout.name}, which takes {other.size:.0f} bytes each;"
            f" {cpu:.1f} x in CPU time"
        )
    again = _load(2, HEART_RATE)
    wall, cpu = again.seconds / loaded.seconds, again.cpu_seconds / loaded.cpu_seconds
    print(
        f"  the same again: {again.new:,} new, {again.changed:,} changed, {wall:.2f} x the first time, {cpu:.2f} x in"
        " CPU time"
    )
    for run in (2, 1):
        print(f"  undo of run {run}: {_undo(run) / loaded.seconds:.2f} x the first time")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM reading_days")  # of what the undo has left
    before = _size()
    _load(3, GLUCOSE)
    print(f"{GLUCOSE.count:,} readings of glucose, every 5 min: {(_size() - before) / GLUCOSE.count:.2f} bytes each")
    _load(4, YEAR)
    measure_charts()
    _print_memory()


def measure_billion() -> None:
    """Load more than a billion readings of three metrics, and print rates and the disk that they take."""
    for run, generated in enumerate(BILLION, start=1):
        before = _size()
        loaded = _load(run, generated)
        print(
            f"{generated.metric}: {generated.count:,} readings in {loaded.seconds:,.0f} s,"
            f" {generated.count / loaded.seconds / 1e6:.2f} million/s, {(_size() - before) / generated.count:.2f} bytes"
            " each",
            flush=True,
        )
    print(f"{sum(each.count for each in BILLION):,} readings take {_size() / 1e9:.1f} GB with all indexes")
    measure_charts()
    _print_memory()


class Clock:
    """Counts wall and processor seconds, those of the program and of its server process, from its creation.

    Not counted is what the generation of readings takes, which has nothing to do with loading them.
    """

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            self.server = Path(f"/proc/{cursor.fetchone()[0]}/stat")
        self.began = self.look()
        self.generation = (0.0, 0.0)

    def look(self) -> tuple[float, float]:
        of_server = sum(map(int, self.server.read_text().rpartition(")")[2].split()[11:13]))
        return time.perf_counter(), time.process_time() + of_server / os.sysconf("SC_CLK_TCK")

    def generate(self, generated: Generated) -> Iterator[pl.DataFrame]:
        """Yield the readings in chunks."""
        chunks = generated.chunks()
        while True:
            before = self.look()
            chunk = next(chunks, None)
            spent = zip(self.generation, before, self.look(), strict=True)
            self.generation = tuple(sum_ + (end - start) for sum_, start, end in spent)  # type: ignore[assignment]  # two numbers
            if chunk is None:
                return
            yield chunk

    def stop(self) -> tuple[float, float]:
        """Return the wall seconds and the processor seconds."""
        wall, cpu = (
            end - start - apart for end, start, apart in zip(self.look(), self.began, self.generation, strict=True)
        )
        return wall, cpu


@dataclass
class Loaded:
    """How long a run took, and how many readings were new and changed."""

    seconds: float
    cpu_seconds: float
    new: int
    changed: int


def _load(run: int, generated: Generated) -> Loaded:
    clock = Clock()
    counts = write_run(run, generated.streams(), clock.generate(generated)).counts
    return Loaded(*clock.stop(), counts["new"], counts["changed"])


def _undo(run: int) -> float:
    began = time.perf_counter()
    with transaction.atomic(), connection.cursor() as cursor:
        lock_order()
        undoing.undo(cursor, run)
    return time.perf_counter() - began


@dataclass
class Other:
    """What one reading takes in another layout."""

    layout: Layout
    seconds: float
    cpu_seconds: float
    size: float


def _load_other(layout: Layout) -> Other:
    """Load the readings into another layout by COPY."""
    readings = 0
    with connection.cursor() as cursor:
        cursor.execute(layout.table)
        clock = Clock()
        with transaction.atomic(), cursor.copy("COPY other FROM STDIN") as copy:
            for chunk in clock.generate(HEART_RATE):
                part = chunk.head(MAX_OF_OTHERS - readings)
                readings += part.height
                copy.write(part.select(layout.columns()).write_csv(include_header=False, separator="\t"))
                if readings == MAX_OF_OTHERS:
                    break
        seconds, cpu_seconds = (each / readings for each in clock.stop())
        cursor.execute("SELECT pg_total_relation_size('other')")
        size = cursor.fetchone()[0] / readings
        cursor.execute("DROP TABLE other")
    return Other(layout, seconds, cpu_seconds, size)


def _size() -> int:
    """Return the bytes of all day rows with their indexes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(sum(pg_total_relation_size(relid)), 0) FROM pg_partition_tree('reading_days')")
        return int(cursor.fetchone()[0])


def _print_memory() -> None:
    print(f"  the program's peak memory: {peak_megabytes()} MB")
