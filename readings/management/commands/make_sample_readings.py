"""Store invented readings, with devices and who wore them, through the column path of the store."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, NamedTuple

import polars as pl
from django.core.management.base import BaseCommand
from django.db import transaction

from healthtrack.audit.actor import acting_as_command
from healthtrack.core.date_formats import get_today
from patients.models import MedicalRecord
from readings.devices.attribution import attribute
from readings.models import Device, DeviceAssignment, Metric, ReadingRun
from readings.sample_shapes import Days, make_glucose, make_heart_rate, make_resting_heart_rate, make_steps
from readings.store.columns import READINGS, shorten_decimals
from readings.store.fold import FINAL
from readings.store.staging import Stream
from readings.store.writing import write_run

PATIENTS, WITH_GLUCOSE, DAYS = 30, 10, 90
CHANGES = 2  # of device, after half of the days
TRAVELLER = 4  # the place of the patient who spends ten days in another time zone
DENSE = 2  # have a heart rate for each minute
HOME, AWAY = "Europe/Berlin", "America/New_York"
UNITS = {"heart_rate": "/min", "steps": "{steps}", "resting_heart_rate": "/min"}


class Part(NamedTuple):
    """Readings of one stream."""

    metric: str
    unit: str
    source: str
    readings: pl.DataFrame


class Wearer(NamedTuple):
    """A sample patient; `place` counts from 0."""

    place: int
    number: str
    has_glucose: bool
    model_id: int | None


class Command(BaseCommand):
    help = "Store invented readings for some of the stored patients. They cannot be undone like an import."
    requires_system_checks = []

    def handle(self, **_: Any) -> None:
        first = get_today() - timedelta(days=DAYS)
        wearers = list(_choose_patients(first))
        with transaction.atomic(), acting_as_command("make_sample_readings"):
            _make_devices(wearers, first)
            _store(wearers, first)
            attribute([wearer.number for wearer in wearers])
        self.stdout.write(f"Stored readings of {len(wearers)} patients.")


def _choose_patients(first: date) -> Iterator[Wearer]:
    """Yield patients with a linked tracker: some with diabetes, who also wear a glucose sensor, then others."""
    records = MedicalRecord.objects.filter(date_of_birth__lt=first, link_count__gt=0).order_by("pk")
    records = records.prefetch_related("tracker_models")
    diabetic = list(records.filter(medical_conditions__icontains="diabetes")[:WITH_GLUCOSE])
    others = list(records.exclude(medical_conditions__icontains="diabetes")[: PATIENTS - len(diabetic)])
    for place, record in enumerate([*diabetic, *others]):
        models = record.tracker_models.all()
        yield Wearer(place, record.pk, place < len(diabetic), models[0].pk if models else None)


def _sources(wearer: Wearer) -> list[str]:
    """Return the serial numbers of the devices that the patient wore one after the other."""
    return [f"W-{wearer.place + 1001}", *([f"W-{wearer.place + 2001}"] if wearer.place < CHANGES else [])]


def _make_devices(wearers: list[Wearer], first: date) -> None:
    middle = first + timedelta(days=DAYS // 2)
    for_each = []
    for wearer in wearers:
        old, *new = _sources(wearer)
        for_each.append((wearer, Device(model_id=wearer.model_id, serial_number=old), first, middle if new else None))
        for_each += [(wearer, Device(model_id=wearer.model_id, serial_number=each), middle, None) for each in new]
        if wearer.has_glucose:
            sensor = Device(serial_number=f"G-{wearer.place + 1001}", label="Glucose sensor")
            for_each.append((wearer, sensor, first, None))
    Device.objects.bulk_create(device for _, device, _, _ in for_each)
    DeviceAssignment.objects.bulk_create(
        DeviceAssignment(device=device, patient_id=wearer.number, worn_from=begins, worn_until=ends)
        for wearer, device, begins, ends in for_each
    )


def _make_parts(wearer: Wearer, first: date) -> Iterator[Part]:
    away = first + timedelta(days=30) if wearer.place == TRAVELLER else None
    back = away and away + timedelta(days=10)
    days = Days(first, DAYS, HOME, wearer.place, away, back, AWAY)
    resting = 52 + wearer.place * 7 % 15
    made = {
        "heart_rate": make_heart_rate(days, 60 if wearer.place < DENSE else 300, resting),
        "steps": make_steps(days),
        "resting_heart_rate": make_resting_heart_rate(days, resting),
    }
    middle = (first + timedelta(days=DAYS // 2) - date(1970, 1, 1)).days * 86_400_000_000
    old, *new = _sources(wearer)
    for metric, readings in made.items():
        is_old = pl.col("at") < middle if new else pl.lit(value=True)
        yield Part(metric, UNITS[metric], old, readings.filter(is_old))
        for source in new:
            yield Part(metric, UNITS[metric], source, readings.filter(~is_old))
    if wearer.has_glucose:
        in_mmol = bool(wearer.place % 2)
        glucose = make_glucose(days, 105 + wearer.place * 5, in_mmol=in_mmol)
        yield Part("glucose", "mmol/L" if in_mmol else "mg/dL", f"G-{wearer.place + 1001}", glucose)


def _store(wearers: list[Wearer], first: date) -> None:
    """Store the readings like those of a run that can no longer be undone."""
    metrics = {metric.code: metric.metric_id for metric in Metric.objects.all()}
    streams: list[Stream] = []
    chunks = []
    for wearer in wearers:
        frames = []
        for part in _make_parts(wearer, first):
            streams.append(Stream(wearer.number, metrics[part.metric], part.source, part.unit))
            frames.append(part.readings.with_columns(stream=pl.lit(len(streams), pl.Int32)).select(*READINGS))
        chunks.append(shorten_decimals(pl.concat(frames)))
    write_run(FINAL, streams, chunks)
    ReadingRun.objects.filter(pk=FINAL).delete()
