"""An export of Apple Health, from the file to the preview, beside a parser that only reads the attributes.

`HEALTHTRACK_EXPORT_MB` sets the size of the export. The comparison needs lxml, which HealthTrack does not:
`.venv/bin/pip install lxml`.
"""

import os
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from benchmarks.apple_files import write_export
from healthtrack.imports.life_cycle.import_at_once import import_at_once
from healthtrack.imports.life_cycle.runs import Instructions
from healthtrack.imports.models import ImportRun
from patients.models import MedicalRecord
from readings.importing.importer import NAME
from tests.support.memory import peak_megabytes

MEGABYTES = int(os.environ.get("HEALTHTRACK_EXPORT_MB", "1000"))
Result = TypeVar("Result")
PATIENT = "P00001"


def measure_apple() -> None:
    """Print the time to the preview and its memory, for a new export and for the same one again, as ratios to lxml."""
    MedicalRecord.objects.create(
        patient_id=PATIENT, name="Somebody", date_of_birth="1980-01-01", gender="U", medications=False
    )
    with TemporaryDirectory() as folder:
        path = Path(folder) / "export.xml"
        records = write_export(path, MEGABYTES * 10**6)
        before = peak_megabytes()
        first, run = _time(lambda: _import(path, dry_run=True))
        print(
            f"export of {MEGABYTES:,} MB, {records:,} records, {run.result['new']:,} readings: preview in {first:.1f} s"
        )
        print(f"peak memory: {peak_megabytes() - before:,.0f} MB more than before")
        bare, _ = _time(lambda: _read_with_lxml(path))
        print(f"{first / bare:.2f} x lxml, which reads the attributes and discards them")
        _import(path)
        again, run = _time(lambda: _import(path, dry_run=True))
        print(
            f"the same again: {run.result['new']} new, {run.result['changed']} changed, {again / first:.2f} x the first"
        )


def _import(path: Path, *, dry_run: bool = False) -> ImportRun:
    return import_at_once(NAME, [path], dry_run=dry_run, instructions=Instructions({"patient": PATIENT}))


def _time(work: Callable[[], Result]) -> tuple[float, Result]:
    began = time.monotonic()
    result = work()
    return time.monotonic() - began, result


def _read_with_lxml(path: Path) -> None:
    try:
        etree = import_module("lxml.etree")
    except ImportError:
        sys.exit("The comparison needs lxml: .venv/bin/pip install lxml")
    for _, element in etree.iterparse(str(path), events=("end",)):
        dict(element.attrib)
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]
