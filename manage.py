#!/usr/bin/env python
import gc

# Off until the apps are ready, when HealthTrackConfig switches it on: nearly everything that is created before then
# stays, and collecting garbage takes a fifth of the start-up time.
gc.disable()

import os  # noqa: E402  (after the collection is off, like all that follow)
import sys  # noqa: E402

from django.core.exceptions import ImproperlyConfigured  # noqa: E402
from django.core.management import execute_from_command_line  # noqa: E402
from django.db import DatabaseError  # noqa: E402


def main() -> None:
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
