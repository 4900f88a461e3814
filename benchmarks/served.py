"""The WSGI application with the database of the benchmarks."""

import os

from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "healthtrack.settings")
settings.DATABASES["default"]["NAME"] = os.environ["HEALTHTRACK_BENCHMARKS_DATABASE"]

from healthtrack.wsgi import application  # noqa: E402, F401 (the database must be set first)
