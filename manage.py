#!/usr/bin/env python
import gc
import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line


def main() -> None:
    # Off until the apps are ready, when HealthTrackConfig switches it on: nearly everything that is created before then
    # stays, and collecting garbage takes a fifth of the start-up time.
    gc.disable()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "healthtrack.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"HealthTrack: {error}")


if __name__ == "__main__":
    main()
