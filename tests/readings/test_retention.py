"""Old imports can no longer be undone, and readings are deleted when their retention is over."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.db.models import F

from readings import retention
from readings.models import Contribution, ReadingDay, ReadingRun
from tests.support import factories
from tests.support.readings import Reading, streams, undo_run, write_run

pytestmark = pytest.mark.django_db

NOON = 1_700_000_000_000_000  # in November 2023


def write(run_id: int, *values: int) -> None:
    readings = [Reading(1, NOON + n * 60_000_000, value) for n, value in enumerate(values)]
    write_run(run_id, [readings], streams())


def test_old_runs_become_final_in_their_order_and_change_no_reading() -> None:
    write(1, 70, 71)
    write(2, 72)
    write(3, 70, 71)
    ReadingRun.objects.exclude(pk=3).update(applied_at=F("applied_at") - timedelta(days=91))
    before = ReadingDay.objects.get().small_values
    assert retention.finish_old_runs() == 2
    assert ReadingDay.objects.get().small_values == before
    assert dict(ReadingRun.objects.values_list("run_id", "is_final")) == {1: True, 2: True, 3: False}
    assert set(Contribution.objects.values_list("run_id", flat=True)) <= {0, 3}
    undo_run(3)
    assert ReadingDay.objects.get().small_values == [72, 71]


def test_a_younger_run_keeps_later_ones_from_becoming_final() -> None:
    write(1, 70)
    write(2, 71)
    ReadingRun.objects.filter(pk=2).update(applied_at=F("applied_at") - timedelta(days=91))
    assert retention.finish_old_runs() == 0


def test_readings_are_deleted_when_their_retention_is_over(settings: LazySettings) -> None:
    factories.medical_record("P1")
    write(1, 70)
    write(2, 71)
    assert retention.delete_expired() == 0
    settings.READINGS_MONTHS = 12
    assert retention.delete_expired() == 1
    assert not ReadingDay.objects.exists()
    assert not Contribution.objects.exists()
