"""Measure how long it takes to find out how a file is read, and to read a workbook."""

import csv
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.db import transaction
from openpyxl import Workbook, load_workbook

from benchmarks.imports import PATIENTS
from benchmarks.measuring import empty_records, import_catalogue, medians, sample_files
from benchmarks.runs import stage_alone
from healthtrack.imports.importer import StoredFile
from healthtrack.imports.life_cycle import runs, steps
from healthtrack.imports.models import ImportRun, State

_PEAK_MEMORY = """
import sys, django; django.setup()
from pathlib import Path
from tests.support.memory import peak_megabytes
from healthtrack.imports.columns import checking
from healthtrack.imports.reading import open_table
before = peak_megabytes()
with open_table(Path(sys.argv[1])) as table:
    for batch in table.batches:
        pass
print(peak_megabytes() - before)
"""


def compare_reading() -> None:
    with sample_files(PATIENTS) as (catalogue, records):
        import_catalogue(catalogue)
        empty_records()
        _compare_detection(records)
        _compare_workbook(_write_workbook(records))


def _compare_detection(records: Path) -> None:
    plan = _check(records)
    ways = {"with": lambda: _check(records), "without": lambda: _check(records, plan)}
    taken = medians(ways, rounds=5)
    ratio = taken["with"] / taken["without"]
    print(f"Preview of {PATIENTS:,} records with the detection of how the file is read: {taken['with']:.2f} s")
    print(f"  {ratio:.2f} x the preview by a plan that is known already")


def _check(path: Path, plan: Mapping[str, Any] | None = None) -> Any:
    """Check a file as for its preview. Return how it was read."""
    size = path.stat().st_size
    with transaction.atomic():
        run = runs.open_run("patients.medicalrecord", [runs.FileFacts(path.name, size, "0" * 64)])
    run.plan = plan
    steps.check(run, [StoredFile(path.name, size, path)], steps.no_progress)
    assert run.is_checked, run.reason
    runs.end(ImportRun.objects.get(pk=run.pk), State.CANCELLED)
    return run.plan


def _write_workbook(records: Path) -> Path:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Rows")
    with records.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.reader(file):
            sheet.append(row)
    path = records.with_suffix(".xlsx")
    book.save(path)
    return path


def _compare_workbook(path: Path) -> None:
    ours, theirs = "reading and staging", "openpyxl, reading only"
    taken = medians({ours: lambda: stage_alone(path), theirs: lambda: _read_with_openpyxl(path)}, rounds=3)
    command = [sys.executable, "-c", _PEAK_MEMORY, str(path)]
    megabytes = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    print(f"Reading and staging an XLSX file of {PATIENTS:,} records: {taken[ours]:.2f} s")
    print(f"  {taken[ours] / taken[theirs]:.2f} x openpyxl in its read-only mode, which only reads")
    print(f"  memory: {megabytes} MB more at its peak")


def _read_with_openpyxl(path: Path) -> None:
    book = load_workbook(path, read_only=True)
    for _ in book.worksheets[0].iter_rows(values_only=True):
        pass
    book.close()
