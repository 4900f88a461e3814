"""Measure the constants of the capacity model, benchmarks/scale.py: `make bench ARGS=constants`."""

import time
from collections.abc import Callable, Sequence

import polars as pl
from django.db import connection

from benchmarks.measuring import empty_records, import_catalogue, import_records, sample_files
from benchmarks.pages import browser
from healthtrack.operations.backups import programs
from healthtrack.operations.backups.writing import DUMP_OPTIONS
from readings.models import Metric
from readings.store.columns import READINGS
from readings.store.staging import Stream
from readings.store.writing import write_run

PATIENTS = 50_000
RECORD_TABLES = ("medical_records", "medical_record_and_trackers")
READING_TABLES = ("reading_days", "reading_streams", "reading_contributions")
# Seconds between two readings, with the metric, the number of patients and the number of days.
CADENCES = {5: ("heart_rate", 4, 20), 60: ("heart_rate", 20, 30), 300: ("glucose", 100, 30)}
DAY = 86_400
PAGE, PAGES = "/admin/patients/medicalrecord/?gender__exact=F", 30
_RUN = 2_000_000_000


def measure_constants() -> None:
    """Print what a record and a reading take, and how quickly they are written and backed up."""
    with sample_files(PATIENTS) as (catalogue, records):
        import_catalogue(catalogue)
        empty_records()
        seconds, log = _timed(lambda: import_records(records))
    table, indexes = _sizes(RECORD_TABLES)
    history, history_indexes = _sizes(("changes",))
    print(f"record_bytes={table / PATIENTS:.0f} record_index_bytes={indexes / PATIENTS:.0f}")
    print(f"history_bytes={(history + history_indexes) / PATIENTS:.0f} record_log_bytes={log / PATIENTS:.0f}")
    print(f"records_per_second={PATIENTS / seconds:.0f}")
    whole = _size_of_database()
    seconds, _ = _timed(_dump)
    print(f"backup_bytes_per_second={whole / seconds:.0f}")
    client = browser()
    client.get(PAGE)
    seconds, _ = _timed(lambda: [client.get(PAGE) for _ in range(PAGES)])
    print(f"page_seconds={seconds / PAGES:.3f}")
    for cadence, (metric, patients, days) in CADENCES.items():
        _measure_readings(cadence, metric, patients, days)


def _measure_readings(cadence: int, metric: str, patients: int, days: int) -> None:
    before, indexes_before = sum(_sizes(READING_TABLES)), _sizes(READING_TABLES)[1]
    frames = [_make_readings(number, cadence, days) for number in range(1, patients + 1)]
    readings = sum(frame.height for frame in frames)
    streams = [_make_stream(metric, cadence, number) for number in range(1, patients + 1)]
    seconds, log = _timed(lambda: write_run(_RUN + cadence, streams, frames))
    after, indexes = sum(_sizes(READING_TABLES)), _sizes(READING_TABLES)[1] - indexes_before
    print(
        f"every {cadence} s: reading_bytes={(after - before) / readings:.2f} reading_log_bytes={log / readings:.2f}"
        f" readings_per_second={readings / seconds:.0f} day_index_bytes={indexes / (patients * days):.0f}"
    )


def _make_stream(metric: str, cadence: int, number: int) -> Stream:
    unit = {"heart_rate": "/min", "glucose": "mg/dL"}[metric]
    return Stream(f"B{cadence}-{number}", Metric.objects.get(code=metric).metric_id, "Benchmark", unit)


def _make_readings(number: int, cadence: int, days: int) -> pl.DataFrame:
    """Return readings of one stream that wander, as those of people do, at times that are nearly regular."""
    count = days * DAY // cadence
    place = pl.int_range(count, eager=True)
    steps = place.shuffle(seed=number) % 7 - 3
    values = steps.cum_sum() % 80
    jitter = place.shuffle(seed=-number + 2**32) % max(1, cadence // 2)
    columns = {
        "stream": pl.repeat(number, count, eager=True),
        "at": (place * cadence + jitter + 20_000 * DAY) * 1_000_000,
        "length": pl.repeat(None, count, eager=True),
        "utc_offset": pl.repeat(0, count, eager=True),
        "value": values + 60,
        "decimals": pl.repeat(0, count, eager=True),
        "proven": pl.repeat(True, count, eager=True),  # noqa: FBT003  (a value)
    }
    return pl.DataFrame(columns, schema_overrides=READINGS)


def _timed(work: Callable[[], object]) -> tuple[float, int]:
    """Return the seconds that the work takes, and the bytes of write-ahead log that it writes."""
    begin, began = _log_position(), time.perf_counter()
    work()
    return time.perf_counter() - began, _log_position() - begin


def _log_position() -> int:
    return _number("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint")


def _sizes(tables: Sequence[str]) -> tuple[int, int]:
    """Return the bytes of the tables with their partitions, and of the indexes of these."""
    parts = f"SELECT relid FROM unnest(ARRAY{list(tables)}::regclass[]) AS whole, pg_partition_tree(whole)"
    trees = f"{parts} UNION SELECT unnest(ARRAY{list(tables)}::regclass[])"
    return (
        _number(f"SELECT sum(pg_table_size(relid)) FROM ({trees}) AS parts (relid)"),
        _number(f"SELECT sum(pg_indexes_size(relid)) FROM ({trees}) AS parts (relid)"),
    )


def _size_of_database() -> int:
    return _number("SELECT pg_database_size(current_database())")


def _number(query: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return int(cursor.fetchone()[0])


def _dump() -> None:
    with programs.running("pg_dump", *DUMP_OPTIONS, connects=True) as dump:
        assert dump.succeeded(), dump.first_error()
