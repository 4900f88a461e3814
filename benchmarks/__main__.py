"""Prints the ratios that the README quotes: `make bench`, or one part of it as in `make bench ARGS=imports`.

Works in a scratch database of its own, which is dropped at the end.
"""

import os
import sys
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from collections.abc import Callable


def main(wanted: list[str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "healthtrack.settings")
    os.environ["HEALTHTRACK_SECOND_FACTOR"] = "0"  # who asks for the pages is let in without the pages of the sign-in
    django.setup()

    from django.db import connection  # noqa: PLC0415 (Django must be set up first)

    from benchmarks import access, history, home, imports, load, migrations, records, reports, runs  # noqa: PLC0415

    parts: dict[str, Callable[[], None]] = {
        "imports": imports.compare_import,
        "memory": imports.measure_memory,
        "runs": runs.measure_runs,
        "reports": reports.compare_pages,
        "home": home.measure_home,
        "migrations": migrations.measure_waits,
        "records": records.measure_record_list,
        "history": history.measure_history,
        "load": load.measure_load,
        "access": access.measure_access_log,
    }
    unknown = set(wanted) - set(parts)
    if unknown:
        sys.exit(f"There is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(parts)}.")
    everyday_name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        for part in wanted or parts:
            parts[part]()
    finally:
        connection.creation.destroy_test_db(everyday_name, verbosity=0)


if __name__ == "__main__":
    main(sys.argv[1:])
