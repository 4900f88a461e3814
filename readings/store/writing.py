"""Write the readings of a run that has no files: sample data, benchmarks and tests."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl
from django.db import connection, transaction

from healthtrack.imports import staging_tables
from healthtrack.imports.progress import NoProgress
from readings.models import Metric
from readings.store.applying import Application, lock_order
from readings.store.columns import READINGS
from readings.store.counting import count_changes
from readings.store.ranges import make_ranges
from readings.store.staging import StagedReadings, Stream


@dataclass(frozen=True)
class Written:
    """What a run changed: the numbers of `count_changes`; and the readings that were left out, as in `READINGS`."""

    counts: Mapping[str, int]
    contradictory: pl.DataFrame


def write_run(run_id: int, streams: Sequence[Stream], chunks: Iterable[pl.DataFrame]) -> Written:
    """Write the chunks, with the columns `READINGS`, as one run, and return what it changed.

    The column `stream` counts the streams from 1.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        staging_tables.drop(run_id)
        staged = _stage(run_id, streams, chunks)
        contradictory = list(staged.unite())
        lock_order()
        application = Application(staged)
        contradictory.append(application.compare(cursor))
        counts = count_changes(cursor, application)
        application.write(cursor, NoProgress().advance)
        staging_tables.drop(run_id)
    return Written(counts, pl.concat(each.select(*READINGS) for each in contradictory))


def _stage(run_id: int, streams: Sequence[Stream], chunks: Iterable[pl.DataFrame]) -> StagedReadings:
    metrics = Metric.objects.in_bulk()
    ranges = make_ranges(
        (number, metric.range_limits, metric.target_low, metric.unit, stream.unit)
        for number, stream in enumerate(streams, start=1)
        if (metric := metrics[stream.metric_id]).range_limits
    )
    staged = StagedReadings(run_id, ranges).create()
    for stream in streams:
        staged.number(stream)
    for chunk in chunks:
        staged.add(chunk)
    return staged
