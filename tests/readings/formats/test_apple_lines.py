"""Records on lines of their own are read by columns, with the same result as by the parser of XML."""

from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from healthtrack.imports.importer import StoredFile
from healthtrack.imports.opening import open_files
from readings.formats.apple_health import AppleHealth, elements
from readings.formats.apple_health.lines import Lines, read_lines
from tests.support.apple_exports import export, record

PARTS = [
    record("HeartRate", "72", "count/min", "08:00:00"),
    record("HeartRate", "73", "count/min", "08:00:05", inside='<MetadataEntry key="a" value="b"/>'),
    record("HeartRate", "74", "count/min", "08:00:06", inside='<MetadataEntry key="HKTimeZone" value="Asia/Tokyo"/>'),
    record("HeartRate", "", "count/min", "08:00:10", sourceName="A &amp; B &lt;&quot;"),
    record("StepCount", "5", "count", "08:00:00", "08:05:00", device=""),
    record("HeartRate", "75", "count/min", "08:00:15", sourceName="&bomb;"),
    record("HeartRate", "76", "count/min", "08:00:20", sourceName="&#65;"),
    record("HeartRate", "77", "count/min", "08:00:25").replace('"', "'"),
    record("HeartRate", "78", "count/min", "08:00:30").replace(" value", "\t value"),
    record("HeartRate", "79", "count/min", "08:00:35").replace('value="79"', 'value="79" value="80"'),
    "<Record>",
    "</Record>",
    "<!-- a comment",
    "-->",
    '<MetadataEntry key="a" value="b"/>',
    '<ActivitySummary dateComponents="2024-03-05"/>',
    "<![CDATA[",
    "]]>",
]


def read(path: Path) -> tuple[list[tuple[object, ...]], list[str], Counter[str]]:
    """Return rows, errors and what is left out."""
    with open_files([StoredFile(path.name, path.stat().st_size, path)]) as parts:
        batches = list(AppleHealth().read(parts[0]))
    rows = pl.concat([batch.rows for batch in batches], how="diagonal").sort("line").rows()
    left_out = sum((Counter(batch.left_out) for batch in batches), start=Counter[str]())
    return rows, [str(error) for batch in batches for error in batch.errors], left_out


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=12))
def test_both_ways_to_read_records_give_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chosen: list[str]
) -> None:
    path = tmp_path / "export.xml"
    path.write_text(export(*chosen))
    by_columns = read(path)
    with monkeypatch.context() as patched:
        patched.setattr(elements, "read_lines", lambda piece, number: None)
        by_parser = read(path)
    assert by_columns == by_parser


def test_usual_records_are_read_by_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "export.xml"
    path.write_text(export(*PARTS[:4]))
    rows_by_columns = []

    def read_and_count(piece: bytes, number: int) -> Lines | None:
        found = read_lines(piece, number)
        rows_by_columns.append(len(found.table) if found else 0)
        return found

    monkeypatch.setattr(elements, "read_lines", read_and_count)
    read(path)
    assert rows_by_columns == [4]
