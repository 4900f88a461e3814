"""Measure what the history costs an import, and how long a patient's history page and an undo take."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import cycle
from pathlib import Path
from statistics import median

import polars as pl
from django.contrib.auth.models import User
from django.db import connection, transaction

from benchmarks.imports import PATIENTS, TABLES
from benchmarks.measuring import empty_records, import_catalogue, import_records, medians, sample_files
from benchmarks.pages import MANY_PATIENTS, browser, opening
from healthtrack.audit.models import Change
from healthtrack.imports.life_cycle import runs, steps
from healthtrack.imports.models import ImportRun
from healthtrack.imports.undo import service as undo_service
from patients.models import MedicalRecord
from patients.resources import MedicalRecordResource

EVENTS = 1_000_000
EVENTS_A_PATIENT = 50
ROUNDS = 5
VIEWS = 20
_SWITCH = """
    DO $$ DECLARE name text; BEGIN
        FOR name IN SELECT tgname FROM pg_trigger WHERE tgrelid = '{table}'::regclass AND tgname LIKE '%history%' LOOP
            EXECUTE format('ALTER TABLE {table} {what} TRIGGER %I', name);
        END LOOP;
    END $$
"""
_FILL = """
    INSERT INTO changes (table_name, action, patient_id, fields, database_role, request, changed_at)
    SELECT 'medical_records', 'update', patient_id,
           jsonb_build_object('name', jsonb_build_array('Ada ' || turn, 'Ada ' || turn + 1)), 'bench', '',
           now() - turn * interval '1 day'
      FROM (SELECT patient_id FROM medical_records ORDER BY patient_id LIMIT %s) AS record,
           generate_series(1, %s) AS turn
"""


def measure_history() -> None:
    with sample_files(PATIENTS) as (catalogue, records):
        import_catalogue(catalogue)
        _compare_new(records)
        _compare_changed(records)
        _time_a_patients_page()
    _time_undos()


def _compare_new(records: Path) -> None:
    taken = medians(_ways(cycle([records])), rounds=ROUNDS, before_each=empty_records)
    print(f"Import of {PATIENTS:,} new records with history: {taken['on'] / taken['off']:.2f} x without")


def _compare_changed(records: Path) -> None:
    """Alternate between two files, so that each import changes every record."""
    other = records.with_name("changed_records.csv")
    _changed(records, PATIENTS).write_csv(other)
    empty_records()
    import_records(records)
    taken = medians(_ways(cycle([other, records])), rounds=ROUNDS, before_each=_vacuum)
    assert ImportRun.objects.latest("run_id").affected_count > 0.9 * PATIENTS
    print(f"Import of {PATIENTS:,} changed records with history: {taken['on'] / taken['off']:.2f} x without")


def _time_a_patients_page() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_FILL, [EVENTS // EVENTS_A_PATIENT, EVENTS_A_PATIENT])
        cursor.execute("VACUUM ANALYZE changes")
    patients = list(MedicalRecord.objects.order_by("patient_id").values_list("pk", flat=True)[:VIEWS])
    client = browser()
    seconds = [_timed(opening(client, f"/admin/patients/medicalrecord/{patient}/history/")) for patient in patients]
    newest = [_timed(opening(client, "/admin/changes/")) for _ in range(VIEWS)]
    print(f"At {Change.objects.count():,} changes in all:")
    print(f"  a patient's history of {EVENTS_A_PATIENT} changes: {median(seconds) * 1000:.0f} ms")
    print(f"  the newest of all changes: {median(newest) * 1000:.0f} ms")


def _time_undos() -> None:
    with sample_files(MANY_PATIENTS) as (catalogue, records):
        import_catalogue(catalogue)
        empty_records()
        import_records(records)
        added, changed = records.with_name("added.csv"), records.with_name("changed.csv")
        _changed(records, PATIENTS).with_columns((pl.lit("N") + pl.col("patient_id")).alias("patient_id")).write_csv(
            added
        )
        _changed(records, PATIENTS).write_csv(changed)
        print(f"Undo of an import of {PATIENTS:,} records into {MANY_PATIENTS:,}:")
        for label, file in (("new ones", added), ("changed ones", changed)):
            run = import_records(file)
            shown = _timed(partial(undo_service.preview, MedicalRecordResource(), run))
            taken = _timed(partial(_undo, run))
            print(
                f"  {label}: the preview {shown:.1f} s, the undo {taken:.1f} s, the import itself {run.seconds:.1f} s"
            )
    empty_records()


def _ways(files: Iterator[Path]) -> dict[str, Callable[[], object]]:
    def without_history() -> None:
        with _history_off():
            import_records(next(files))

    return {"on": lambda: import_records(next(files)), "off": without_history}


@contextmanager
def _history_off() -> Iterator[None]:
    _switch_history("DISABLE")
    try:
        yield
    finally:
        _switch_history("ENABLE")


def _switch_history(what: str) -> None:
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(_SWITCH.format(table=table, what=what))


def _changed(records: Path, rows: int) -> pl.DataFrame:
    """Return the first rows of a file, with other names."""
    read = pl.read_csv(records, infer_schema=False, n_rows=rows)
    return read.with_columns(pl.col("name").str.strip_chars() + " Changed")


def _vacuum() -> None:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM medical_records")
        cursor.execute("CHECKPOINT")


def _undo(run: ImportRun) -> None:
    with transaction.atomic():
        undo = runs.request_undo(run, User.objects.get())
    assert undo
    steps.apply(undo, [], steps.no_progress)


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
