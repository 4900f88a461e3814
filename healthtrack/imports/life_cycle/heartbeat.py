"""Find out whether a worker is running, by the heartbeats that workers store in the database."""

from datetime import timedelta

from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateWorker

SILENT_SECONDS = 30.0  # without a heartbeat for so long, a worker counts as dead


def is_alive() -> bool:
    """Return whether any worker has stored a heartbeat lately."""
    lately = timezone.now() - timedelta(seconds=SILENT_SECONDS)
    return ProcrastinateWorker.objects.filter(last_heartbeat__gt=lately).exists()
