"""Files of vendors with random damage end in checked rows or in errors, and never in an exception."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import clarity_tables, libreview_tables
from tests.support.apple_exports import export, record, sleep, workout
from tests.support.checked_rows import check_rows
from tests.support.fitbit_lists import night
from tests.support.formats import make_zip

pytestmark = pytest.mark.usefixtures("_patient")

# Texts that mean something to one of the formats, and others that mean nothing anywhere.
TEXTS = [b'"', b"'", b",", b";", b"\n", b"\r", b"\t", b"<", b">", b"&", b"&#0;", b"\0", b"\xff", b"\xef\xbb\xbf", b"-"]
TEXTS += [
    b"9" * 30,
    b"1e400",
    b"NaN",
    b"0000-00-00",
    b"9999-12-31 23:59:59 +2359",
    b"null",
    b"[",
    b"{}",
    b"\xe2\x80\x8b",
]
Change = tuple[int, int, bytes]
CHANGES = st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 9), st.sampled_from(TEXTS)), max_size=8)


def apple() -> bytes:
    pulse = record("HeartRate", "72", "count/min", "08:00:00")
    inside = '<MetadataEntry key="HKTimeZone" value="Asia/Tokyo"/>'
    return export(
        pulse,
        record("OxygenSaturation", "0.97", "%", "08:00:00", inside=inside),
        record("StepCount", "5", "count", "08:00:00", "08:05:00"),
        sleep("AsleepCore", "2024-03-04 23:00:00", "2024-03-05 01:00:00"),
        workout("Running", "18:00:00", "18:30:00", inside),
        pulse,
    ).encode()


def clarity() -> bytes:
    rows = [clarity_tables.value(n, f"2024-03-05T08:0{n}:00", f"10{n}", f"{n}000") for n in range(6)]
    return (clarity_tables.COLUMNS.format(unit="mg/dL") + "\n" + clarity_tables.PREAMBLE + "".join(rows)).encode()


def libre() -> bytes:
    rows = [libreview_tables.record(f"13-03-2024 08:0{n}", n, c4="98", c5="99", c14="97") for n in range(7)]
    return (libreview_tables.FIRST + libreview_tables.HEADER.format(unit="mg/dL") + "".join(rows)).encode()


def fitbit_list() -> bytes:
    return json.dumps([night(), night()]).encode()


def fitbit_table() -> bytes:
    return b"timestamp,beats per minute,data source\n2024-01-15T07:30:00Z,72.0,Watch\n2024-01-15T07:30:05Z,73.0,Watch\n"


FILES = {
    "export.xml": apple,
    "clarity.csv": clarity,
    "libre.csv": libre,
    "sleep-2024-01-15.json": fitbit_list,
    "heart_rate_2024-01-15.csv": fitbit_table,
}


def mutate(data: bytes, changes: list[Change], cut: int) -> bytes:
    for place, length, text in changes:
        begin = place % (len(data) + 1)
        data = data[:begin] + text + data[begin + length :]
    return data[: len(data) - cut if cut % 3 == 0 else None]


@pytest.mark.parametrize("name", FILES)
@given(changes=CHANGES, cut=st.integers(0, 500))
def test_mutated_files_end_in_rows_or_errors(name: str, tmp_path: Path, changes: list[Change], cut: int) -> None:
    path = tmp_path / name
    path.write_bytes(mutate(FILES[name](), changes, cut))
    check_rows(path)


@given(changes=CHANGES, cut=st.integers(0, 500))
def test_mutated_archives_end_in_rows_or_errors(tmp_path: Path, changes: list[Change], cut: int) -> None:
    members = {"Takeout/Fitbit/Global Export Data/sleep-2024-01-15.json": fitbit_list(), "P1/export.xml": apple()}
    path = make_zip(tmp_path / "all.zip", members)
    path.write_bytes(mutate(path.read_bytes(), changes, cut))
    check_rows(path)
