"""manage.py of a site that uses only the embedded PostgreSQL of HealthTrack."""

import os
import sys
from pathlib import Path

import django
from django.conf import settings
from django.core.management import execute_from_command_line
from django.urls import URLPattern

from healthtrack.environment import Environment

urlpatterns: list[URLPattern] = []

if __name__ == "__main__":
    settings.configure(
        HEALTHTRACK_DATA_DIR=Path(os.environ["HEALTHTRACK_DATA_DIR"]),
        HEALTHTRACK_PG_BIN=Environment.read(os.environ).pg_bin,
        DATABASES={
            "default": {
                "ENGINE": "healthtrack.operations.embedded_postgres",
                "NAME": "healthtrack",
                "USER": "healthtrack",
                "OPTIONS": {"application_name": "healthtrack"},
            }
        },
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
        USE_TZ=True,
        ALLOWED_HOSTS=["localhost"],
        ROOT_URLCONF="tests.support.bare_site",
    )
    django.setup()
    execute_from_command_line(sys.argv)
