"""The check of FHIR files beside orjson, which only parses them, by CPU time.

`HEALTHTRACK_FHIR_PATIENTS` sets how many patients there are; a thousand are about a gigabyte.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import orjson
from django.db import connection

from benchmarks.generated_fhir import write_bulk, write_bundles

PATIENTS = int(os.environ.get("HEALTHTRACK_FHIR_PATIENTS", "1000"))
_CHECK = """
import sys, time, django
django.setup()
from django.db import connection
connection.settings_dict["NAME"] = sys.argv[1]
from pathlib import Path
from tests.support.memory import peak_megabytes
from healthtrack.imports import registry
from healthtrack.imports.life_cycle.import_at_once import import_at_once
registry.get("patients.medicalrecord")
paths = [Path(line.strip()) for line in sys.stdin]
import_at_once("patients.medicalrecord", paths[:1], dry_run=True)  # loads all that an import needs
before, began = peak_megabytes(), time.process_time()
run = import_at_once("patients.medicalrecord", paths, dry_run=True)
seconds = time.process_time() - began
print(run.affected_count, seconds, peak_megabytes() - before)
"""


def measure_fhir() -> None:
    """Print the time from the files to the preview as a ratio to orjson, and by how much the memory grows."""
    for label, write, parse in (
        ("a bulk export", write_bulk, _parse_lines),
        ("Bundles of one patient each", write_bundles, _parse_documents),
    ):
        with tempfile.TemporaryDirectory() as folder:
            paths = write(Path(folder), PATIENTS)
            size = sum(path.stat().st_size for path in paths)
            bare = min(_time(parse, paths) for _ in range(2))
            patients, seconds, megabytes = min((_check(paths) for _ in range(2)), key=lambda found: found[1])
            bare = min(bare, _time(parse, paths))
        print(f"{label}: {patients:,} patients, {size / 1e9:.2f} GB, {seconds:.1f} s from the files to the preview,")
        print(f"  {seconds / bare:.2f} x the time in which orjson parses them; the memory grows by {megabytes:,} MB")


def _check(paths: Sequence[Path]) -> tuple[int, float, int]:
    name = str(connection.settings_dict["NAME"])
    done = subprocess.run(
        [sys.executable, "-c", _CHECK, name],
        input="\n".join(map(str, paths)),
        check=True,
        capture_output=True,
        text=True,
    )
    patients, seconds, megabytes = done.stdout.split()
    return int(patients), float(seconds), int(megabytes)


def _time(parse: Callable[[Path], None], paths: Sequence[Path]) -> float:
    began = time.process_time()
    for path in paths:
        parse(path)
    return time.process_time() - began


def _parse_lines(path: Path) -> None:
    with path.open("rb") as file:
        for line in file:
            orjson.loads(line)


def _parse_documents(path: Path) -> None:
    orjson.loads(path.read_bytes())
