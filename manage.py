#!/usr/bin/env python
import gc
import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

# Most of what is made at the start stays, and to look for garbage among it after every 700 objects, as Python does
# unless told otherwise, takes a fifth of the time.
OBJECTS_BEFORE_COLLECTION = 50_000


def main() -> None:
    gc.set_threshold(OBJECTS_BEFORE_COLLECTION)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "healthtrack.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as fault:
        sys.exit(f"HealthTrack: {fault}")


if __name__ == "__main__":
    main()
