"""The store does with any runs what a few lines of Python do."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import pairwise
from statistics import median

import polars as pl
import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from readings.models import Contribution, ReadingDay, ReadingRun, ReadingStream
from readings.store import blocks
from readings.store.packing import unpack
from readings.store.rows import fetch, select_packed
from tests.support.readings import Reading, finish_run, streams, to_readings, undo_run, write_run

pytestmark = pytest.mark.django_db

SECOND = 1_000_000
MIDNIGHT = 1_700_006_400 * SECOND  # of a day in UTC
OFFSETS = (0, 3600, -5 * 3600, 14 * 3600, -12 * 3600, 20_700)

# Each example writes several runs, so there are fewer of them.
fewer = settings(max_examples=settings().max_examples // 8)
instants = st.one_of(
    st.integers(-3, 8).map(lambda hours: MIDNIGHT + hours * 6 * 3600 * SECOND),
    st.integers(0, 40).map(lambda minutes: MIDNIGHT + minutes * 60 * SECOND),
    st.integers(0, 10).map(lambda steps: MIDNIGHT + steps * 500_000),
    st.just(MIDNIGHT + 1),
)
values = st.sampled_from([(70, 0), (71, 0), (0, 0), (-3, 0), (39, 1), (3905, 3), (40_000, 0), (2**40, 0)])


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    stream = draw(st.sampled_from([1, 1, 1, 2, 3]))
    value, decimals = draw(values)
    length = draw(st.sampled_from([60, 300, 7200])) * SECOND if stream == 3 else None
    proven = draw(st.integers(0, 3)) == 0
    return Reading(stream, draw(instants), value, decimals, draw(st.sampled_from(OFFSETS)), length, proven)


runs = st.lists(st.lists(st.lists(readings(), max_size=6), min_size=1, max_size=3), min_size=1, max_size=4)


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
    return {(each.stream, each.at): each for each in _unpack("reading_days", numbers)}


def _unpack(table: str, numbers: dict[int, int], where: str = "true") -> list[Reading]:
    with connection.cursor() as cursor:
        rows = fetch(cursor, f"SELECT {select_packed('rows.stream_id')} FROM {table} AS rows WHERE {where}", {})
    renamed = unpack(rows).with_columns(pl.col("stream").replace_strict(numbers, return_dtype=pl.Int32))
    found = to_readings(renamed)
    assert len({(each.stream, each.at) for each in found}) == len(found) or table != "reading_days"
    return found


def stream_numbers() -> dict[int, int]:
    by_metric = {stream.metric_id: place for place, stream in enumerate(streams(), start=1)}
    return {each.stream_id: by_metric[each.metric_id] for each in ReadingStream.objects.all()}


def check_contributions(inputs: dict[int, dict[tuple[int, int], Reading]]) -> None:
    """Check that what each run contributed can still be read, and that no arrays are stored twice."""
    numbers = stream_numbers()
    key = "patient_id, stream_id, day, utc_offset"
    for run_id, expected in inputs.items():
        found = _unpack("reading_days", numbers, f"run_id = {run_id}")
        found += _unpack("reading_contributions", numbers, f"run_id = {run_id} AND same_as IS NULL")
        for table, also in (("reading_days", "true"), ("reading_contributions", "rows.same_as IS NULL")):
            found += _unpack(
                table,
                numbers,
                f"{also} AND EXISTS (SELECT FROM reading_contributions AS marker WHERE marker.run_id = {run_id}"
                f" AND ({', '.join('marker.' + name for name in key.split(', '))})"
                f" = ({', '.join('rows.' + name for name in key.split(', '))}) AND marker.same_as = rows.run_id)",
            )
        assert {(each.stream, each.at): each for each in found} == expected
        assert len(found) == len(expected)
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
        assert (row.range_seconds is not None) == (key[0] == 2)
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


@pytest.fixture(params=[500_000, 3], ids=["one block", "many blocks"])
def _blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "MAX_READINGS", request.param)


@pytest.mark.usefixtures("_blocks")
@fewer
@given(runs=runs, data=st.data())
def test_runs_and_undos_in_any_order(runs: list[list[list[Reading]]], data: st.DataObject) -> None:
    with transaction.atomic():
        inputs: dict[int, dict[tuple[int, int], Reading]] = {}
        for run_id, chunks in enumerate(runs, start=1):
            good, bad = read_run(chunks)
            assert write_run(run_id, chunks, streams()) == instants_of(bad)
            inputs[run_id] = good
            check_all(inputs)
        for run_id in data.draw(st.permutations(sorted(inputs))):
            undo_run(run_id)
            del inputs[run_id]
            check_all(inputs)
        assert not ReadingStream.objects.exists()
        assert not Contribution.objects.exists()
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
@fewer
@given(runs=runs, data=st.data())
def test_final_runs_change_nothing_and_the_others_can_be_undone(
    runs: list[list[list[Reading]]], data: st.DataObject
) -> None:
    with transaction.atomic():
        final: dict[tuple[int, int], Reading] = {}
        inputs: dict[int, dict[tuple[int, int], Reading]] = {}
        for run_id, chunks in enumerate(runs, start=1):
            write_run(run_id, chunks, streams())
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


@fewer
@given(chunks=st.lists(st.lists(readings(), max_size=8), min_size=1, max_size=4), data=st.data())
def test_order_and_repetitions_within_a_run_make_no_difference(
    chunks: list[list[Reading]], data: st.DataObject
) -> None:
    with transaction.atomic():
        every = [reading for chunk in chunks for reading in chunk]
        shuffled = data.draw(st.permutations([*every, *every[:3]]))
        cut = data.draw(st.integers(0, len(shuffled)))
        bad = write_run(1, chunks, streams())
        days = stored_readings(stream_numbers())
        undo_run(1)
        assert write_run(2, [shuffled[:cut], shuffled[cut:]], streams()) == bad
        assert stored_readings(stream_numbers()) == days
        transaction.set_rollback(True)
