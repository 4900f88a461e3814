"""The sample data: readings of patients, with devices and who wore them."""

from datetime import date, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db.models import Max, Min, Sum

from healthtrack.core.date_formats import get_today
from readings.charts.streams import by_metric, list_marks, list_streams
from readings.models import Contribution, Device, ReadingDay, ReadingRun, ReadingStream
from tests.support import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _readings() -> None:
    model = factories.tracker_model("Honor", "Band 2")
    for number in range(7):
        conditions = "Diabetes" if number < 3 else "Asthma"
        record = factories.medical_record(
            f"P{number}", date_of_birth=date(1980, 1, 1), medical_conditions=conditions, tracker="Honor Band 2"
        )
        factories.link(record, model)
    call_command("make_sample_readings", stdout=StringIO())


def test_patients_have_ninety_days_of_four_metrics_which_end_before_today() -> None:
    days = ReadingDay.objects.aggregate(first=Min("day"), last=Max("day"))
    assert days["last"] < get_today()
    assert get_today() - timedelta(days=90) <= days["first"] <= get_today() - timedelta(days=80)
    metrics = {str(metric) for metric in by_metric(list_streams("P0"))}
    assert metrics == {"Heart rate", "Steps", "Glucose (sensor)", "Resting heart rate"}
    assert not ReadingDay.objects.exclude(counted__gt=0).exists()


def test_two_patients_change_their_device_and_one_is_in_another_time_zone() -> None:
    changed = [
        number
        for number in range(7)
        if list_marks(
            next(own for metric, own in by_metric(list_streams(f"P{number}")).items() if metric.code == "steps")
        )
    ]
    assert changed == [0, 1]
    away = ReadingDay.objects.filter(utc_offset__lt=0).values_list("patient_id", flat=True)
    assert set(away) == {"P4"}


def test_every_stream_belongs_to_a_device() -> None:
    streams = [stream for number in range(7) for stream in list_streams(f"P{number}")]
    assert len(streams) == ReadingStream.objects.count()
    assert all(len(stream.known_devices) == 1 for stream in streams)
    assert Device.objects.count() == 7 + 2 + 3


def test_nobody_walks_at_night_and_the_device_is_not_always_worn() -> None:
    covered = ReadingDay.objects.filter(patient_id="P3").aggregate(seconds=Sum("seconds_covered"))
    assert covered["seconds"] < 90 * 86_400 * 3
    heart_rate = list_streams("P3")[0]
    assert heart_rate.coverage is not None
    assert 0.7 < heart_rate.coverage < 0.97


def test_sample_readings_belong_to_no_run_that_could_be_undone() -> None:
    assert not ReadingRun.objects.exists()
    assert not Contribution.objects.exists()
