import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection, transaction
from import_export.resources import ModelResource
from tablib.core import Dataset

from benchmarks.measuring import empty_records, import_catalogue, import_records, medians, sample_files
from benchmarks.pages import MANY_PATIENTS
from healthtrack.audit.actor import acting_as
from healthtrack.imports.models import ImportRun
from patients.models import MedicalRecord
from patients.resources import MedicalRecordResource

PATIENTS = 100_000
# Links first: their foreign keys are checked at the commit, and the link counts are then right from the start.
TABLES = ("medical_record_and_trackers", "medical_records")


class BulkResource(ModelResource):
    """The bulk mode of django-import-export, with the fastest settings of its documentation."""

    class Meta:
        model = MedicalRecord
        fields = [column.name for column in MedicalRecordResource().plan.columns]
        import_id_fields = ["patient_id"]
        use_bulk = True
        batch_size = 1000
        skip_diff = True
        force_init_instance = True


def compare_import() -> None:
    with sample_files(PATIENTS) as (catalogue, records):
        import_catalogue(catalogue)
        import_records(records)
        finished = copy_out()
        dataset = _as_dataset()
        ours, limit, bare = "this import", "the limit", "the limit without triggers"
        taken = medians(
            {
                ours: lambda: import_records(records),
                limit: lambda: copy_in(finished),
                bare: _without_triggers(finished),
            },
            rounds=5,
            before_each=empty_records,
        )
        bulk = medians({"bulk": lambda: _import_in_bulk(dataset)}, rounds=3, before_each=empty_records)["bulk"]
        empty_records()
        import_records(records)
        again = medians({"again": lambda: import_records(records)}, rounds=3)["again"]
    print(f"Import of {PATIENTS:,} records, read to committed with links: {taken[ours]:.2f} s")
    print(f"  {taken[ours] / taken[limit]:.2f} x bare COPY of the finished rows, same constraints and triggers")
    print(f"  {taken[ours] / taken[bare]:.2f} x bare COPY of the finished rows, same constraints, no triggers")
    print(f"  {bulk / taken[ours]:.1f} x faster than django-import-export's bulk mode (records only)")
    print(f"  the same file again, which changes nothing: {again / taken[ours]:.2f} x the first time")


def measure_memory() -> None:
    with sample_files(MANY_PATIENTS) as (catalogue, records):
        import_catalogue(catalogue)
        empty_records()
        name = connection.settings_dict["NAME"]
        script = (
            "import django; django.setup();"
            f"from django.db import connection; connection.settings_dict['NAME'] = {name!r};"
            "from pathlib import Path; from benchmarks.measuring import import_records;"
            "from tests.support.memory import peak_megabytes;"
            f"run = import_records(Path({str(records)!r}));"
            "print(run.affected_count, run.seconds, peak_megabytes())"
        )
        done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
        new, seconds, megabytes = done.stdout.split()
        finished = copy_out()
        empty_records()
        started = time.perf_counter()
        copy_in(finished)
        ratio = float(seconds) / (time.perf_counter() - started)
    print(f"Import of {int(new):,} records: {ratio:.2f} x the limit, peak memory of the process {megabytes} MB")


def _import_in_bulk(dataset: Dataset) -> None:
    result = BulkResource().import_data(dataset, raise_errors=True)
    assert result.totals["new"] == len(dataset)


def _as_dataset() -> Dataset:
    names = [column.name for column in MedicalRecordResource().plan.columns]
    rows = MedicalRecord.objects.values_list(*names)
    return Dataset(*[["" if value is None else str(value) for value in row] for row in rows], headers=names)


@dataclass(frozen=True)
class Finished:
    """The rows of an import as COPY data, to insert again with the same run in the history."""

    tables: dict[str, bytes]
    run_id: int


def copy_out(rows: str = "true") -> Finished:
    return Finished({table: _copy_out(table, rows) for table in TABLES}, ImportRun.objects.latest("run_id").run_id)


def _copy_out(table: str, rows: str) -> bytes:
    with connection.cursor() as cursor, cursor.copy(f"COPY (SELECT * FROM {table} WHERE {rows}) TO STDOUT") as copy:
        return b"".join(bytes(part) for part in copy)


def copy_in(finished: Finished) -> None:
    with transaction.atomic(), acting_as(None, finished.run_id), connection.cursor() as cursor:
        for table, rows in finished.tables.items():
            with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                copy.write(rows)


def _without_triggers(finished: Finished) -> Callable[[], None]:
    def copy_without_triggers() -> None:
        _switch_triggers("DISABLE")
        try:
            copy_in(finished)
        finally:
            _switch_triggers("ENABLE")

    return copy_without_triggers


def _switch_triggers(state: str) -> None:
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} {state} TRIGGER USER")
