#!/usr/bin/env python
import gc
import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import DatabaseError


def main() -> None:
    # Off until the apps are ready, when HealthTrackConfig switches it on: nearly everything that is created before then
    # stays, and collecting garbage takes a fifth of the start-up time.
    gc.disable()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "healthtrack.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"HealthTrack: {error}")
    except DatabaseError as error:
        from healthtrack.operations.preparation import explain  # noqa: PLC0415  (needs the settings)

        sentence = explain(error)
        if not sentence or "--traceback" in sys.argv:
            raise
        sys.exit(f"HealthTrack: {sentence}")


if __name__ == "__main__":
    main()
