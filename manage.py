#!/usr/bin/env python
import gc
import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line


def main() -> None:
    # Until the apps are ready, when HealthTrackConfig switches it on: nearly all that is made before then stays, and to
    # look for garbage among it takes a fifth of the time.
    gc.disable()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "healthtrack.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as fault:
        sys.exit(f"HealthTrack: {fault}")


if __name__ == "__main__":
    main()
