"""Whatever runs bring in whichever units, each instant of a source has one reading, as a few lines of Python say."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction

import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from readings.models import Metric
from readings.store import blocks
from readings.store.staging import Stream
from tests.support.readings import Reading, undo_all, write_run

pytestmark = pytest.mark.django_db

SECOND = 1_000_000
MIDNIGHT = 1_700_006_400 * SECOND  # of a day in UTC
PATIENTS = 4
# Metric, unit, and its factor: siblings are next to each other, the unit of the metric first.
UNITS = [
    ("glucose", "mg/dL", Fraction(1)),
    ("glucose", "mmol/L", Fraction("18.01559")),
    ("steps", "{steps}", Fraction(1)),
    ("steps", "{count}", Fraction(1)),
]
VALUES = {0: [(99, 0), (100, 0), (1005, 1)], 1: [(55, 1), (56, 1), (555, 2), (6, 0)], 2: [(7, 0), (8, 0)]}
Readings = dict[tuple[int, int], Reading]
few = settings(max_examples=max(1, settings().max_examples // PATIENTS))


def all_streams() -> list[Stream]:
    metrics = dict(Metric.objects.values_list("code", "metric_id"))
    return [Stream(f"P{n}", metrics[code], "Watch", unit) for n in range(PATIENTS) for code, unit, _ in UNITS]


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    kind = draw(st.integers(0, len(UNITS) - 1))
    value, decimals = draw(st.sampled_from(VALUES[min(kind, 2)]))
    at = MIDNIGHT + draw(st.integers(-3, 5)) * 6 * 3600 * SECOND
    offset = draw(st.sampled_from([0, 0, 14 * 3600, -12 * 3600]))
    length = draw(st.sampled_from([300, 300, 600])) * SECOND if kind >= 2 else None
    return Reading(len(UNITS) * draw(st.integers(0, PATIENTS - 1)) + kind + 1, at, value, decimals, offset, length)


def unit_of(reading: Reading) -> int:
    return (reading.stream - 1) % len(UNITS)


def family_of(reading: Reading) -> tuple[int, int]:
    """Return what siblings share at one instant."""
    return (reading.stream - 1) // 2, reading.at


def bounds(reading: Reading, decimals: int = 0) -> tuple[Fraction, Fraction]:
    factor = UNITS[unit_of(reading)][2]
    half = factor / 10 ** max(decimals, reading.decimals) / 2 * Fraction("0.999")
    number = factor * reading.value / 10**reading.decimals
    return number - half, number + half


def read_run(found: Iterable[Reading]) -> tuple[Readings, set[Reading]]:
    """Return the readings of a run by stream and instant, and those that contradict each other."""
    by_instant: dict[tuple[int, int], set[Reading]] = defaultdict(set)
    for reading in found:
        by_instant[family_of(reading)].add(reading)
    good: Readings = {}
    bad: set[Reading] = set()
    for alike in by_instant.values():
        streams = {each.stream for each in alike}
        measured = {(each.stream, each.value, each.decimals) for each in alike}
        limits = [bounds(each) for each in alike]
        overlap = max(low for low, _ in limits) <= min(high for _, high in limits)
        if len(measured) > len(streams) or len({each.length for each in alike}) > 1 or not overlap:
            bad |= alike
        else:
            first = min(alike, key=lambda each: (each.utc_offset, each.stream))
            good[first.stream, first.at] = first
    return good, bad


def compare(own: Readings, stored: Readings) -> tuple[Readings, set[Reading]]:
    """Return what a run brings beside stored readings, and what contradicts those in another unit."""
    by_instant = {family_of(each): each for each in stored.values()}
    decimals: dict[tuple[int, int, int], int] = defaultdict(int)
    for each in stored.values():
        decimals[row_of(each)] = max(decimals[row_of(each)], each.decimals)
    good: Readings = {}
    bad: set[Reading] = set()
    for reading in own.values():
        other = by_instant.get(family_of(reading))
        if other is None or other.stream == reading.stream:
            good[reading.stream, reading.at] = reading
            continue
        (low, high), (least, greatest) = bounds(reading), bounds(other, decimals[row_of(other)])
        if reading.length == other.length and low <= greatest and least <= high:
            good[other.stream, other.at] = other._replace(utc_offset=reading.utc_offset)
        else:
            bad.add(reading)
    return good, bad


def row_of(reading: Reading) -> tuple[int, int, int]:
    local = reading.at + reading.utc_offset * SECOND
    return reading.stream, local // (86_400 * SECOND), reading.utc_offset


def fold(inputs: Iterable[Readings]) -> Readings:
    """Return what runs make together: the latest gives the value, the earliest the offset."""
    folded: Readings = {}
    for run in inputs:
        for key, reading in run.items():
            folded[key] = reading._replace(utc_offset=folded.get(key, reading).utc_offset)
    return folded


def check_stored(expected: Readings) -> None:
    query = """
        SELECT patient_id, unit, extract(epoch FROM at)::bigint, value, utc_offset,
               extract(epoch FROM ends_at - at)::bigint FROM readings
    """
    with connection.cursor() as cursor:
        cursor.execute(query)
        found = cursor.fetchall()
    streams = all_streams()
    rows = []
    for each in expected.values():
        stream, value = streams[each.stream - 1], Fraction(each.value, 10**each.decimals)
        length = each.length and each.length // SECOND
        rows.append((stream.patient, stream.unit, each.at // SECOND, value, each.utc_offset, length))
    assert sorted(found, key=lambda row: row[:3]) == sorted(rows, key=lambda row: row[:3])


@pytest.fixture(params=[500_000, 2], ids=["one block", "many blocks"])
def _blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "MAX_READINGS", request.param)


@pytest.mark.usefixtures("_blocks")
@few
@given(runs=st.lists(st.lists(st.lists(readings(), max_size=12), min_size=1, max_size=3), max_size=4), data=st.data())
def test_each_instant_of_a_source_has_one_reading(runs: list[list[list[Reading]]], data: st.DataObject) -> None:
    with transaction.atomic():
        inputs: dict[int, Readings] = {}
        for run_id, chunks in enumerate(runs, start=1):
            own, bad = read_run(reading for chunk in chunks for reading in chunk)
            inputs[run_id], refused = compare(own, fold(inputs.values()))
            wrong = {(each.stream, each.at) for each in bad | refused}
            assert write_run(run_id, chunks, all_streams()) == wrong
            check_all(inputs)
        undo_all(inputs, data.draw(st.permutations(sorted(inputs))), check_all)
        transaction.set_rollback(True)


def check_all(inputs: Mapping[int, Readings]) -> None:
    expected = fold(inputs.values())
    assert len({family_of(each) for each in expected.values()}) == len(expected)
    check_stored(expected)
