"""How gunicorn serves HealthTrack: python -m gunicorn --config python:healthtrack.operations.gunicorn"""

import os
import shutil
import subprocess
import sys
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "healthtrack.settings")
try:
    _figures = settings.HEALTHTRACK_DATA_DIR / "metrics"
except ImproperlyConfigured as fault:
    sys.exit(f"HealthTrack: {fault}")
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_figures)  # before prometheus_client is imported, which looks but once

wsgi_app = "healthtrack.wsgi:application"
bind = f"127.0.0.1:{os.environ.get('PORT') or 8000}"
workers = int(os.environ.get("WEB_CONCURRENCY") or (os.cpu_count() or 1) + 1)
threads = 4
timeout = 60
graceful_timeout = 30  # at a stop, what was begun is answered
accesslog = None  # addresses hold what was searched for, which may be a patient's name
control_socket_disable = True
logconfig_dict = settings.LOGGING


def on_starting(_: Any) -> None:
    shutil.rmtree(_figures, ignore_errors=True)
    _figures.mkdir(mode=0o700)
    # Not in this process: threads of a library that is loaded before a fork make the fork hang at its end.
    subprocess.run([sys.executable, "-m", "healthtrack.operations.static_files"], check=True)
