"""Files that are made to fill the memory: each ends in batches of bounded size, or is refused."""

from collections.abc import Mapping
from pathlib import Path

from tests.support import libreview_tables as libre
from tests.support.apple_exports import export, record
from tests.support.formats import make_zip
from tests.support.memory import measure_peaks

MAX_MEGABYTES = 500
READER = """
from contextlib import suppress
from healthtrack.imports.importer import StoredFile
from healthtrack.imports.opening import open_files
from healthtrack.imports.row_errors import FileError
from readings.formats.registry import divide

def use(path):
    with suppress(FileError), open_files([StoredFile(path.name, path.stat().st_size, path)]) as parts:
        for reader, source in divide(parts):
            for batch in reader.read(source) if reader else ():
                pass
"""
SIZE = 60 * 2**20
PULSE = record("HeartRate", "72", "count/min", "08:00:00")


def fill(unit: str) -> str:
    """Return many repetitions of a text."""
    return unit * (SIZE // len(unit))


def hostile() -> Mapping[str, str]:
    """Return files that are large in different ways, by name."""
    head = export().removesuffix("</HealthData>\n")
    table = libre.HEADER.format(unit="mg/dL") + libre.record("13-03-2024 08:00", 0, c4="1")
    return {
        "deep.xml": head + fill("<Record>"),
        "attribute.xml": head + '<Record type="' + fill("x"),
        "unknown.xml": head + fill('<a b="c"/>'),
        "one_line.xml": head + fill(PULSE),
        "wrong.xml": head + fill("<Record type=1>\n"),
        "types.xml": head + "".join(record(f"Kind{n}", "1", "x", "08:00:00") + "\n" for n in range(150_000)),
        "sleep.xml": head
        + fill(PULSE.replace("HKQuantityTypeIdentifierHeartRate", "HKCategoryTypeIdentifierSleepAnalysis")),
        "quote.csv": table + '"' + fill("x\n"),
        "cells.csv": table + fill(","),
        "steps.json": '[{"dateTime": "' + fill("x"),
        "nested_steps.json": '[{"dateTime": ' + fill("["),
        "heart_rate_2024-01-15.csv": "timestamp,beats per minute\n" + fill('"'),
    }


def test_no_hostile_file_uses_much_memory(tmp_path: Path) -> None:
    ordinary = tmp_path / "ordinary.xml"
    ordinary.write_text(export(PULSE))
    files = [ordinary]
    for name, text in hostile().items():
        files.append(tmp_path / name)
        files[-1].write_text(text)
    bomb: dict[str, str | bytes] = {
        "apple_health_export/export.xml": export() + fill(" "),
        "b.zip": b"PK\x03\x04" + bytes(100),
    }
    files.append(make_zip(tmp_path / "bomb.zip", bomb))
    peaks = measure_peaks(READER, files, {"HEALTHTRACK_DATA_DIR": str(tmp_path)})
    assert {name: megabytes for name, megabytes in peaks.items() if megabytes > MAX_MEGABYTES} == {}
