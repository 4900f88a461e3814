"""Measure imports as a data steward sees them: uploaded in the browser, then checked and applied by a worker."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client

from benchmarks.imports import copy_in, copy_out
from benchmarks.measuring import empty_records, import_catalogue, sample_files
from benchmarks.pages import MANY_PATIENTS, browser
from healthtrack.imports import staging_tables
from healthtrack.imports.columns.checking import check_batch
from healthtrack.imports.life_cycle.heartbeat import is_alive
from healthtrack.imports.models import ImportRun, State
from healthtrack.imports.reading import open_table
from healthtrack.imports.reading.table import LINE
from healthtrack.imports.tables.headers import find_layout
from healthtrack.imports.tables.staging import StagedRows
from patients.resources import MedicalRecordResource
from tests.support.memory import peak_megabytes

PATIENTS = 100_000
ROUNDS = 3
VIEWS = 40
PAUSE_SECONDS = 0.2  # like a person who reloads a page again and again
LIST = "/admin/patients/medicalrecord/"
# Existing patients. They come first in the list, which skips the rows of a transaction in progress.
_KNOWN_PATIENTS = """
    INSERT INTO medical_records (patient_id, name, date_of_birth, gender, medications)
    SELECT '0-' || number, 'Known Patient', '1980-05-17', 'F', false FROM generate_series(1, 20000) AS number
"""


def measure_runs() -> None:
    with _worker() as worker:
        _compare_with_staging()
        _follow_a_million(worker)


@contextmanager
def _worker() -> Iterator[subprocess.Popen[bytes]]:
    name = connection.settings_dict["NAME"]
    script = (
        "import django; django.setup();"
        f"from django.db import connection; connection.settings_dict['NAME'] = {name!r};"
        "from django.core.management import call_command; call_command('worker')"
    )
    with subprocess.Popen([sys.executable, "-c", script]) as worker:
        try:
            while not is_alive():
                assert worker.poll() is None
                time.sleep(0.1)
            yield worker
        finally:
            worker.terminate()


def _compare_with_staging() -> None:
    client = browser()
    staging, preview, first, again = ([0.0] * ROUNDS for _ in range(4))
    with sample_files(PATIENTS) as (catalogue, records):
        import_catalogue(catalogue)
        for number in range(ROUNDS):
            empty_records()
            staging[number] = _timed(lambda: stage_alone(records))
            runs_of_file = [_import(client, records) for _ in range(2)]
            (preview[number], first[number]), (_, again[number]) = runs_of_file
    print(f"Upload of {PATIENTS:,} records, checked and applied by a worker:")
    print(f"  the preview is there after {median(preview) / median(staging):.2f} x reading and staging alone")
    print(f"  the same file again, which changes nothing: {median(again) / median(first):.2f} x the first time")


def _import(client: Client, file: Path) -> tuple[float, float]:
    """Return the seconds until the preview, and until the end."""
    started = time.perf_counter()
    run = _wait(_upload(client, file), State.CHECKED)
    preview = time.perf_counter() - started
    client.post(f"/admin/imports/importrun/{run.run_id}/apply/")
    _wait(run, State.APPLIED, pause=0.02)
    return preview, time.perf_counter() - started


def _follow_a_million(worker: subprocess.Popen[bytes]) -> None:
    client = browser()

    def view() -> float:
        return _timed(lambda: client.get(LIST))

    with sample_files(MANY_PATIENTS) as (catalogue, records):
        import_catalogue(catalogue)
        _insert_known_patients()
        quiet, meanwhile = list[float](), list[float]()
        for _ in range(VIEWS):
            quiet.append(view())
            time.sleep(PAUSE_SECONDS)
        started = time.perf_counter()
        run = _wait(_upload(client, records), State.CHECKED, lambda: meanwhile.append(view()))
        taken = time.perf_counter() - started
        pages, kilobytes = _open_preview(client, run)
        started = time.perf_counter()
        client.post(f"/admin/imports/importrun/{run.run_id}/apply/")
        _wait(run, State.APPLIED, lambda: meanwhile.append(view()))
        taken += time.perf_counter() - started
        finished = copy_out("patient_id NOT LIKE '0-%'")
        _insert_known_patients()
        limit = _timed(lambda: copy_in(finished))
    print(f"Upload of {MANY_PATIENTS:,} records, from the file to applied:")
    print(f"  {taken / limit:.2f} x bare COPY of the finished rows ({taken:.0f} s for {limit:.0f} s)")
    print(f"  peak memory of the worker {peak_megabytes(worker.pid)} MB")
    print(f"  the record list meanwhile {median(meanwhile) / median(quiet):.2f} x otherwise, {len(meanwhile)} requests")
    print(f"  a page of the preview at most {max(pages) * 1000:.0f} ms and {kilobytes:.0f} kB")


def _insert_known_patients() -> None:
    empty_records()
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN_PATIENTS)
        cursor.execute("ANALYZE medical_records")


def _open_preview(client: Client, run: ImportRun) -> tuple[list[float], float]:
    """Return the seconds of the first, middle and last page, and the size of the first in kB."""
    address = f"/admin/imports/importrun/{run.run_id}/change/"
    pages = [_timed(partial(client.get, address, {"page": page})) for page in (1, 10_000, 20_000)]
    return pages, len(client.get(address).content) / 1000


def stage_alone(file: Path) -> None:
    """Do the minimum: read the file, check its rows, and insert them into a staging table."""
    resource = MedicalRecordResource()
    with transaction.atomic(), open_table(file) as table:
        tables = staging_tables.begin(0)
        with connection.cursor() as cursor:
            rows = StagedRows(resource.plan, cursor, tables)
            rows.create_table()
            layout = find_layout(table, resource.plan.columns)
            with rows.open_copy() as copy_rows:
                for batch in table.batches:
                    named = batch.select(LINE, *layout.positions).rename(layout.positions)
                    copy_rows(check_batch(named, resource.plan.columns, resource.row_rules()).rows)
        staging_tables.drop(0)


def _upload(client: Client, file: Path) -> ImportRun:
    client.post(f"{LIST}import/", {"import_file": SimpleUploadedFile(file.name, file.read_bytes())})
    return ImportRun.objects.latest("run_id")


def _wait(
    run: ImportRun, state: State, meanwhile: Callable[[], None] = lambda: None, pause: float = PAUSE_SECONDS
) -> ImportRun:
    while run.state != state:
        assert not run.is_ended, run.reason
        meanwhile()
        time.sleep(pause)
        run.refresh_from_db()
    return run


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
