"""The store does with any runs what a few lines of Python do."""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import chain, pairwise
from statistics import median
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from readings.models import Contribution, ReadingDay, ReadingRun, ReadingStream
from readings.store import blocks
from readings.store import rows as day_rows
from readings.store.packing import unpack
from readings.store.rows import fetch, select_packed
from readings.store.staging import Stream
from tests.support.old_rows import store_gaps_as_before
from tests.support.readings import Reading, finish_run, streams, to_readings, undo_all, undo_run, write_run

pytestmark = pytest.mark.django_db

SECOND = 1_000_000
MIDNIGHT = 1_700_006_400 * SECOND  # of a day in UTC
OFFSETS = (0, 3600, -5 * 3600, 14 * 3600, -12 * 3600, 20_700)

PATIENTS = 8
RUNS = 16  # more than the runs of an example
# Each example has the readings of several patients, which are independent of each other. The statements of a run take
# much longer than these few readings, so that eight patients cost little more than one.
per_patient = settings(max_examples=settings().max_examples // PATIENTS)
VALUES = [(70, 0), (71, 0), (0, 0), (-3, 0), (39, 1), (3905, 3), (40_000, 0), (2**40, 0)]
INSTANTS = [
    *(MIDNIGHT + hours * 6 * 3600 * SECOND for hours in range(-3, 9)),
    *(MIDNIGHT + minutes * 60 * SECOND for minutes in range(0, 41, 4)),
    *(MIDNIGHT + steps * 500_000 for steps in range(11)),
    MIDNIGHT + 1,
]
Chunks = list[list[Reading]]


class Draw:
    """Draws from what Hypothesis gives, which it can make smaller, or from a seed, which is quicker."""

    def __init__(self, source: st.DrawFn | random.Random) -> None:
        self.source = source

    def count(self, lowest: int, highest: int) -> int:
        if isinstance(self.source, random.Random):
            return self.source.randint(lowest, highest)
        return self.source(st.integers(lowest, highest))

    def choose(self, values: Sequence[Any]) -> Any:
        return values[self.count(0, len(values) - 1)]

    def reading(self, patient: int) -> Reading:
        kind = self.choose([1, 1, 1, 2, 3])
        value, decimals = self.choose(VALUES)
        length = self.choose([60, 300, 7200]) * SECOND if kind == 3 else None
        offset, is_proven = self.choose(OFFSETS), self.count(0, 3) == 3
        return Reading(3 * patient + kind, self.choose(INSTANTS), value, decimals, offset, length, is_proven)

    def run(self, patient: int) -> Chunks:
        return [[self.reading(patient) for _ in range(self.count(0, 6))] for _ in range(self.count(1, 3))]


@st.composite
def runs(draw: st.DrawFn) -> list[Chunks]:
    """Return what runs bring of all patients, those of the first from Hypothesis and the others from a seed."""
    seed = draw(st.integers(0, 2**32))
    others = random.Random(seed)  # noqa: S311 (no secret)
    sources = [Draw(draw), *(Draw(others) for _ in range(PATIENTS - 1))]
    return [
        list(chain(*(source.run(patient) for patient, source in enumerate(sources))))
        for _ in range(draw(st.integers(1, 4)))
    ]


def all_streams() -> list[Stream]:
    return [stream for patient in range(PATIENTS) for stream in streams(f"P{patient}")]


def read_run(chunks: Iterable[Iterable[Reading]]) -> tuple[dict[tuple[int, int], Reading], set[Reading]]:
    """Return the readings of a run by stream and instant, and those that contradict each other."""
    by_instant: dict[tuple[int, int], set[Reading]] = defaultdict(set)
    for chunk in chunks:
        for reading in chunk:
            by_instant[reading.stream, reading.at].add(reading)
    good, bad = {}, set()
    for key, found in by_instant.items():
        if len({(each.value, each.decimals, each.length) for each in found}) > 1:
            bad |= found
        else:
            good[key] = min(found, key=lambda each: (not each.proven, each.utc_offset))
    return good, bad


def instants_of(found: Iterable[Reading]) -> set[tuple[int, int]]:
    return {(each.stream, each.at) for each in found}


def fold(inputs: Iterable[dict[tuple[int, int], Reading]]) -> dict[tuple[int, int], Reading]:
    """Return what the runs make together, given in their order."""
    folded: dict[tuple[int, int], Reading] = {}
    for run in inputs:
        for key, reading in run.items():
            before = folded.get(key)
            if before is None or (reading.proven and not before.proven):
                folded[key] = reading
            else:
                folded[key] = reading._replace(utc_offset=before.utc_offset, proven=before.proven)
    return folded


def stored_readings(numbers: dict[int, int]) -> dict[tuple[int, int], Reading]:
    """Return the stored readings, with the numbers of the tests instead of those of the streams."""
    found = _unpack(numbers, "reading_days AS rows", "0")[0]
    assert len({(each.stream, each.at) for each in found}) == len(found)
    return {(each.stream, each.at): each for each in found}


def _unpack(numbers: dict[int, int], rows: str, run: str) -> dict[int, list[Reading]]:
    """Return the readings of day rows by run; `run` is SQL for the run of a row."""
    with connection.cursor() as cursor:
        packed = select_packed(f"rows.stream_id * {RUNS} + {run}")
        frame = unpack(fetch(cursor, f"SELECT {packed} FROM {rows}", {}))
    found: dict[int, list[Reading]] = defaultdict(list)
    for each in to_readings(frame):
        stream, run_id = divmod(each.stream, RUNS)
        found[run_id].append(each._replace(stream=numbers[stream]))
    return found


def stream_numbers() -> dict[int, int]:
    numbers = {(stream.patient, stream.metric_id): place for place, stream in enumerate(all_streams(), start=1)}
    return {each.stream_id: numbers[each.patient_id, each.metric_id] for each in ReadingStream.objects.all()}


def check_contributions(inputs: dict[int, dict[tuple[int, int], Reading]]) -> None:
    """Check that what each run contributed can still be read, and that no arrays are stored twice."""
    numbers = stream_numbers()
    same = " AND ".join(f"marker.{name} = rows.{name}" for name in ("patient_id", "stream_id", "day", "utc_offset"))
    marked = f"JOIN reading_contributions AS marker ON {same} AND marker.same_as = rows.run_id"
    found: dict[int, list[Reading]] = defaultdict(list)
    for rows, run in (
        ("reading_days AS rows WHERE run_id IS NOT NULL", "rows.run_id::integer"),
        ("reading_contributions AS rows WHERE same_as IS NULL", "rows.run_id::integer"),
        (f"reading_days AS rows {marked}", "marker.run_id::integer"),
        (f"reading_contributions AS rows {marked} WHERE rows.same_as IS NULL", "marker.run_id::integer"),
    ):
        for run_id, readings in _unpack(numbers, rows, run).items():
            found[run_id] += readings
    for run_id, expected in inputs.items():
        assert {(each.stream, each.at): each for each in found[run_id]} == expected
        assert len(found[run_id]) == len(expected)
    assert set(Contribution.objects.values_list("run_id", flat=True)) <= {0, *inputs}
    assert set(ReadingDay.objects.exclude(run_id=None).values_list("run_id", flat=True)) <= {0, *inputs}


def check_figures(expected: dict[tuple[int, int], Reading]) -> None:
    numbers = stream_numbers()
    days: dict[tuple[int, date, int], list[Reading]] = defaultdict(list)
    for reading in expected.values():
        local = (reading.at + reading.utc_offset * SECOND) // (86_400 * SECOND)
        days[reading.stream, date(1970, 1, 1) + timedelta(days=local), reading.utc_offset].append(reading)
    stored = {(numbers[row.stream_id], row.day, row.utc_offset): row for row in ReadingDay.objects.all()}
    assert stored.keys() == days.keys()
    for key, found in days.items():
        row, ordered = stored[key], sorted(found, key=lambda each: each.at)
        scaled = [each.value / 10**each.decimals for each in ordered]
        assert (row.reading_count, row.counted, row.lowest, row.highest) == (
            *(len(found), len(found)),
            *(min(scaled), max(scaled)),
        )
        assert row.total == pytest.approx(sum(scaled))
        assert row.total_of_squares == pytest.approx(sum(each * each for each in scaled))
        assert row.seconds_covered == pytest.approx(covered(ordered), abs=1)
        assert (row.range_seconds is not None) == (key[0] % 3 == 2)
        if row.range_seconds is not None:
            assert sum(row.range_seconds) == pytest.approx(row.seconds_covered, abs=5)


def covered(found: Sequence[Reading]) -> float:
    gaps = [after.at - before.at for before, after in pairwise(found)]
    if found[0].length is not None:
        lengths = [each.length or 0 for each in found]
        return min(sum(map(min, lengths, [*gaps, 2**60])) / SECOND, 86_400)
    middle = int(median(gaps)) if gaps else 60 * SECOND
    return min((sum(min(gap, 2 * middle) for gap in gaps) + middle) / SECOND, 86_400)


def test_far_readings_cover_no_more_than_the_day_with_their_ranges() -> None:
    evening = MIDNIGHT + 18 * 3600 * SECOND
    write_run(1, [[Reading(2, at, 70, 0, 0, None, proven=False) for at in (MIDNIGHT, evening)]], streams())
    row = ReadingDay.objects.get()
    assert row.range_seconds is not None
    assert row.seconds_covered == sum(row.range_seconds) == 86_400


@pytest.fixture(params=[(500_000, 1_000), (20, 3)], ids=["one block", "many blocks, small gaps in short rows"])
def _blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "MAX_READINGS", request.param[0])
    monkeypatch.setattr(day_rows, "LONG_ROW", request.param[1])


@pytest.mark.usefixtures("_blocks")
@per_patient
@given(runs=runs(), data=st.data())
def test_runs_and_undos_in_any_order(runs: list[Chunks], data: st.DataObject) -> None:
    with transaction.atomic():
        inputs: dict[int, dict[tuple[int, int], Reading]] = {}
        for run_id, chunks in enumerate(runs, start=1):
            good, bad = read_run(chunks)
            assert write_run(run_id, chunks, all_streams()) == instants_of(bad)
            inputs[run_id] = good
            check_all(inputs)
            if run_id == 1:
                store_gaps_as_before()
        undo_all(inputs, data.draw(st.permutations(sorted(inputs))), check_all)
        transaction.set_rollback(True)


def check_all(inputs: dict[int, dict[tuple[int, int], Reading]]) -> None:
    expected = fold(inputs.values())
    stored = stored_readings(stream_numbers())
    assert {key: each._replace(proven=False) for key, each in stored.items()} == {
        key: each._replace(proven=False) for key, each in expected.items()
    }
    check_contributions(inputs)
    check_figures(expected)
    assert set(ReadingRun.objects.values_list("run_id", flat=True)) == set(inputs)


@pytest.mark.usefixtures("_blocks")
@per_patient
@given(runs=runs(), data=st.data())
def test_final_runs_change_nothing_and_the_others_can_be_undone(runs: list[Chunks], data: st.DataObject) -> None:
    with transaction.atomic():
        final: dict[tuple[int, int], Reading] = {}
        inputs: dict[int, dict[tuple[int, int], Reading]] = {}
        for run_id, chunks in enumerate(runs, start=1):
            write_run(run_id, chunks, all_streams())
            inputs[run_id] = read_run(chunks)[0]
        for run_id in range(1, data.draw(st.integers(1, len(runs))) + 1):
            finish_run(run_id)
            final = fold([final, inputs.pop(run_id)])
            check_folded([final, *inputs.values()])
        for run_id in data.draw(st.permutations(sorted(inputs))):
            undo_run(run_id)
            del inputs[run_id]
            check_folded([final, *inputs.values()])
        transaction.set_rollback(True)


def check_folded(inputs: Iterable[dict[tuple[int, int], Reading]]) -> None:
    expected = fold(inputs)
    stored = stored_readings(stream_numbers())
    assert {key: each._replace(proven=False) for key, each in stored.items()} == {
        key: each._replace(proven=False) for key, each in expected.items()
    }
    check_figures(expected)


@per_patient
@given(runs=runs(), data=st.data())
def test_order_and_repetitions_within_a_run_make_no_difference(runs: list[Chunks], data: st.DataObject) -> None:
    with transaction.atomic():
        chunks = [chunk for run in runs for chunk in run]
        every = [reading for chunk in chunks for reading in chunk]
        order = random.Random(data.draw(st.integers(0, 2**32)))  # noqa: S311 (no secret)
        shuffled = order.sample([*every, *every[:3]], len(every) + min(len(every), 3))
        cut = data.draw(st.integers(0, len(shuffled)))
        bad = write_run(1, chunks, all_streams())
        days = stored_readings(stream_numbers())
        undo_run(1)
        assert write_run(2, [shuffled[:cut], shuffled[cut:]], all_streams()) == bad
        assert stored_readings(stream_numbers()) == days
        transaction.set_rollback(True)
