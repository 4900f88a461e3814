"""Print the ratios that docs/benchmarks.md quotes: `make bench`, or one part with `make bench ARGS=imports`.

The benchmarks use a temporary database, which is dropped at the end. `make bench ARGS="--against REV"` compares with
another commit instead: see benchmarks/against.py.
"""

import os
import sys
from argparse import ArgumentParser
from typing import TYPE_CHECKING

import django

from benchmarks import against

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def main() -> None:
    parser = ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--against", metavar="REV", help="compare with this commit, in interleaved pairs")
    parser.add_argument("--patients", type=int, default=100_000, help="number of patients in a comparison")
    parser.add_argument("--records", type=int, default=1_000_000, help="records that the part replica imports")
    parser.add_argument("--seconds", type=int, default=60, help="how long people read in the part replica")
    wanted = parser.parse_args()
    if wanted.against:
        _refuse_unknown(wanted.parts, against.PARTS)
        against.compare(wanted.against, wanted.patients, wanted.parts)
    else:
        measure(wanted.parts, wanted.records, wanted.seconds)


def measure(wanted: list[str], records_to_import: int, seconds: int) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "healthtrack.settings")
    os.environ["HEALTHTRACK_SECOND_FACTOR"] = "0"  # the client skips the sign-in pages
    os.environ.setdefault("HEALTHTRACK_DATA_DIR", str(against.PROJECT / "var" / "benchmarks-data"))
    os.environ.setdefault("HEALTHTRACK_SECRET_KEY", "a key for the benchmarks")
    django.setup()

    from django.db import connection  # noqa: PLC0415 (Django must be set up first)

    from benchmarks import server_rights  # noqa: PLC0415 (Django must be set up first)

    parts = get_parts(records_to_import, seconds)
    _refuse_unknown(wanted, parts)
    server_rights.grant()
    everyday_name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        for part in wanted or [part for part in parts if part != "billion"]:  # it takes long
            parts[part]()
    finally:
        connection.creation.destroy_test_db(everyday_name, verbosity=0)


def get_parts(records_to_import: int, seconds: int) -> "dict[str, Callable[[], None]]":
    """Return the function that measures each part, by the name of the part."""
    from benchmarks import (  # noqa: PLC0415 (Django must be set up first)
        access,
        apple,
        constants,
        fhir,
        history,
        home,
        imports,
        load,
        migrations,
        reading,
        readings,
        records,
        replica,
        reports,
        runs,
    )

    def compare_imports() -> None:
        imports.compare_import()
        reading.compare_reading()

    return {
        "imports": compare_imports,
        "reading": reading.compare_reading,
        "memory": imports.measure_memory,
        "runs": runs.measure_runs,
        "reports": reports.compare_pages,
        "home": home.measure_home,
        "migrations": migrations.measure_waits,
        "readings": readings.measure_readings,
        "apple": apple.measure_apple,
        "billion": readings.measure_billion,
        "fhir": fhir.measure_fhir,
        "records": records.measure_record_list,
        "history": history.measure_history,
        "load": load.measure_load,
        "replica": lambda: replica.measure_replica(records_to_import, seconds),
        "access": access.measure_access_log,
        "exports": access.measure_recorded_exports,
        "constants": constants.measure_constants,
    }


def _refuse_unknown(wanted: "Iterable[str]", parts: "Iterable[str]") -> None:
    if unknown := set(wanted) - set(parts):
        sys.exit(f"There is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(parts)}.")


if __name__ == "__main__":
    main()
