"""How much a HealthTrack of a given size needs: disk, log, backups, memory, processors, and when to add a replica.

    python -m benchmarks.scale --patients 1000000 --devices 300000 --cadence 60 --retention 24
    python -m benchmarks.scale --table

The constants were measured by `make bench ARGS=constants` on two shared cores; only their proportions are exact.
"""

from argparse import ArgumentParser
from dataclasses import dataclass

DAY, MONTH_DAYS = 86_400, 30.44
GB = 1e9
FREE_SHARE = 0.5  # of the processors, for imports and peaks
SECONDS_BETWEEN_PAGES = 10  # of a person who works
CORES = 8  # of the server for which the table says how many people it serves
TABLE_PATIENTS = (100_000, 1_000_000, 10_000_000, 100_000_000)
DEVICE_SHARE = 0.3  # of the patients, in the table
TABLE_CADENCE, TABLE_RETENTION = 60, 24


@dataclass(frozen=True)
class Reading:
    """What a reading takes that comes every so many seconds."""

    cadence: int
    stored_bytes: float
    log_bytes: float
    per_second: float
    """How many readings one core writes in a second."""


RECORD_BYTES, RECORD_INDEX_BYTES, HISTORY_BYTES = 179, 382, 5
DAY_INDEX_BYTES = 70  # of one device on one day
BACKUP_BYTES_PER_SECOND = 41e6
PAGE_SECONDS = 0.081  # of one core, for a list of a million records
READINGS = (
    Reading(5, 1.77, 5.19, 730_000),
    Reading(60, 3.39, 10.5, 670_000),
    Reading(300, 5.95, 17.4, 230_000),
)


@dataclass(frozen=True)
class Need:
    """What an installation needs. Bytes are on disk, with indexes and without free space."""

    record_bytes: float
    reading_bytes: float
    readings_per_second: float
    ingest_cores: float
    log_bytes_per_day: float
    backup_seconds: float
    index_memory: float
    people: float
    """How many people a primary of 8 cores serves beside imports; more of them need a replica."""


def estimate(patients: int, devices: int, cadence: int, retention_months: int) -> Need:
    """Return what so many patients need, if each of their devices sends a reading every `cadence` seconds."""
    reading = min(READINGS, key=lambda known: abs(known.cadence - cadence))
    rate = devices / cadence
    days = retention_months * MONTH_DAYS
    record_bytes = patients * (RECORD_BYTES + RECORD_INDEX_BYTES + HISTORY_BYTES)
    reading_bytes = rate * DAY * days * reading.stored_bytes
    return Need(
        record_bytes=record_bytes,
        reading_bytes=reading_bytes,
        readings_per_second=rate,
        ingest_cores=rate / reading.per_second,
        log_bytes_per_day=rate * DAY * reading.log_bytes,
        backup_seconds=(record_bytes + reading_bytes) / BACKUP_BYTES_PER_SECOND,
        # All indexes of records are used; of readings, those of the newest month.
        index_memory=patients * RECORD_INDEX_BYTES + devices * MONTH_DAYS * DAY_INDEX_BYTES,
        people=CORES * FREE_SHARE / PAGE_SECONDS * SECONDS_BETWEEN_PAGES,
    )


def format_bytes(count: float) -> str:
    """Return a number of bytes with two digits and its unit, such as 1.2 TB."""
    for unit, size in (("PB", 1e15), ("TB", 1e12), ("GB", GB)):
        if count >= size:
            return f"{float(f'{count / size:.2g}'):g} {unit}"
    return f"{float(f'{count / 1e6:.2g}'):g} MB"


def format_table() -> str:
    """Return the table of docs/operations.md."""
    rows = [
        "| patients | records | readings | readings/s | cores that write | log a day | backup | memory for indexes |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for patients in TABLE_PATIENTS:
        need = estimate(patients, int(patients * DEVICE_SHARE), TABLE_CADENCE, TABLE_RETENTION)
        cells = (
            f"{patients:,}",
            format_bytes(need.record_bytes),
            format_bytes(need.reading_bytes),
            f"{need.readings_per_second:,.0f}",
            f"{need.ingest_cores:.2g}",
            format_bytes(need.log_bytes_per_day),
            _format_hours(need.backup_seconds),
            format_bytes(need.index_memory),
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _format_hours(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds < 2 * 3600 else f"{seconds / 3600:,.0f} h"


def main() -> None:
    parser = ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--table", action="store_true", help="print the table of docs/operations.md")
    parser.add_argument("--patients", type=int, default=1_000_000)
    parser.add_argument("--devices", type=int, default=300_000, help="how many send readings")
    parser.add_argument("--cadence", type=int, default=60, help="seconds between two readings of a device")
    parser.add_argument("--retention", type=int, default=24, help="months for which readings are stored")
    given = parser.parse_args()
    if given.table:
        print(format_table())
        return
    need = estimate(given.patients, given.devices, given.cadence, given.retention)
    print(f"records {format_bytes(need.record_bytes)}, readings {format_bytes(need.reading_bytes)} on disk")
    print(f"{need.readings_per_second:,.0f} readings/s, written by {need.ingest_cores:.2g} cores")
    print(f"{format_bytes(need.log_bytes_per_day)} of write-ahead log a day")
    print(f"backup in {_format_hours(need.backup_seconds)}")
    print(f"{format_bytes(need.index_memory)} of memory, so that all indexes in use fit into it")
    print(f"add a replica when more than {need.people:,.0f} people work at the same time ({CORES} cores)")


if __name__ == "__main__":
    main()
