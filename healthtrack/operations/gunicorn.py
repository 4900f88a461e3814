"""Configure gunicorn: python -m gunicorn --config python:healthtrack.operations.gunicorn"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "healthtrack.settings")
try:
    _metrics = settings.HEALTHTRACK_DATA_DIR / "metrics"
except ImproperlyConfigured as error:
    sys.exit(f"HealthTrack: {error}")

wsgi_app = "healthtrack.wsgi:application"
bind = f"127.0.0.1:{settings.PORT}"
workers = settings.WEB_CONCURRENCY
threads = 4
timeout = 60
graceful_timeout = 30  # at a stop, gunicorn finishes the current requests
accesslog = None  # addresses may name a patient
control_socket_disable = True
logconfig_dict = settings.LOGGING


def on_starting(_: Any) -> None:
    """Prepare the start (gunicorn calls this before it starts its workers)."""
    # In another process: a library that starts threads before a fork makes the forked process hang at its end.
    prepared = subprocess.run([sys.executable, Path(settings.BASE_DIR, "manage.py"), "prepare"], check=False)  # noqa: S603  (our own command)
    if prepared.returncode:
        sys.exit(prepared.returncode)
    shutil.rmtree(_metrics, ignore_errors=True)
    _metrics.mkdir(mode=0o700)
    # For the processes that serve: set before they import prometheus_client, which reads it once.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_metrics)
