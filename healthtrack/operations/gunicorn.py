"""How gunicorn serves HealthTrack: python -m gunicorn --config python:healthtrack.operations.gunicorn"""

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
    _figures = settings.HEALTHTRACK_DATA_DIR / "metrics"
except ImproperlyConfigured as fault:
    sys.exit(f"HealthTrack: {fault}")

wsgi_app = "healthtrack.wsgi:application"
bind = f"127.0.0.1:{settings.PORT}"
workers = settings.WEB_CONCURRENCY
threads = 4
timeout = 60
graceful_timeout = 30  # at a stop, what was begun is answered
accesslog = None  # addresses hold what was searched for, which may be a patient's name
control_socket_disable = True
logconfig_dict = settings.LOGGING


def on_starting(_: Any) -> None:
    # Not in this process: threads of a library that is loaded before a fork make the fork hang at its end.
    prepared = subprocess.run([sys.executable, Path(settings.BASE_DIR, "manage.py"), "prepare"], check=False)  # noqa: S603  (our own command)
    if prepared.returncode:
        sys.exit(prepared.returncode)
    shutil.rmtree(_figures, ignore_errors=True)
    _figures.mkdir(mode=0o700)
    # For the processes that serve, before they import prometheus_client, which reads it once.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_figures)
