"""Whether a worker is running, as its sign of life in the database says."""

from datetime import timedelta

from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateWorker

SILENT_SECONDS = 30.0  # after which a worker counts as dead


def is_alive() -> bool:
    """Whether any worker has given a sign of life lately."""
    lately = timezone.now() - timedelta(seconds=SILENT_SECONDS)
    return ProcrastinateWorker.objects.filter(last_heartbeat__gt=lately).exists()
