"""How the number of patients with a tracker changes: counted each night, because the history does not have it."""

from dataclasses import dataclass
from datetime import date, timedelta

from healthtrack.core.date_formats import get_today
from patients.models import MedicalRecord
from reports.models import TrackedPatients

RETENTION = timedelta(days=400)
PERIOD = timedelta(days=30)


@dataclass(frozen=True)
class Earlier:
    """The number of patients with a tracker, so many days ago."""

    patients: int
    days: int


def store_tracked_patients() -> None:
    """Store how many patients have a tracker today, and delete old numbers."""
    today = get_today()
    patients = MedicalRecord.objects.filter(link_count__gt=0).count()
    TrackedPatients.objects.update_or_create(day=today, defaults={"patients": patients})
    TrackedPatients.objects.filter(day__lt=today - RETENTION).delete()


def read_earlier(day: date) -> Earlier | None:
    """Return the number of the first day of the 30 before this day that has one; None without such a day."""
    first = TrackedPatients.objects.filter(day__gte=day - PERIOD, day__lt=day).order_by("day").first()
    return Earlier(first.patients, (day - first.day).days) if first else None
