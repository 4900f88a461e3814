"""HealthTrack as its web server loads it, on the benchmarks' database."""

import os

from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "healthtrack.settings")
settings.DATABASES["default"]["NAME"] = os.environ["HEALTHTRACK_BENCHMARKS_DATABASE"]

from healthtrack.wsgi import application  # noqa: E402, F401 (the database must be named first)
