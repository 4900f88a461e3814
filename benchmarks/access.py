import time
from collections import deque
from collections.abc import Callable
from statistics import median, quantiles
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from django.test import Client

from benchmarks.measuring import empty_records, import_catalogue, import_records, medians, sample_files
from benchmarks.pages import browser, opening
from healthtrack.audit import access_recorder
from patients.models import MedicalRecord

PATIENTS = 10_000
ACCESSES = 300_000
ROUNDS = 101
LIMIT_MS = 2.0
EXPORTED = 100_000
EXPORT_ROUNDS = 5
EXPORT_LIMIT = 1.1  # times an export without
# One third are lists of fifty patients, the others pages of one patient.
_FILL = """
    INSERT INTO access_log (person_id, page, patient_ids, asked, request)
    SELECT %s, 'bench', numbers[n %% 9950 + 1 : n %% 9950 + CASE n %% 3 WHEN 0 THEN 50 ELSE 1 END], '{}', 'bench'
      FROM generate_series(1, %s) AS n,
           (SELECT array_agg(patient_id ORDER BY patient_id) FROM medical_records) AS patients (numbers)
"""


def measure_access_log() -> None:
    client = browser()
    patient = _fill(client)
    for what, address in {
        "the page of a record": f"/admin/patients/medicalrecord/{patient}/change/",
        "a list of 50 records": "/admin/patients/medicalrecord/",
        "a report of 50 names": "/reports/without-tracker/",
    }.items():
        page, wall, quiet, work = _cost(opening(client, address))
        print(
            f"access log, {what}: {wall:.2f} ms of {page:.0f} ms a page, {quiet:.2f} ms in the fastest tenth,"
            f" {work:.2f} ms of it in Python; {wall / LIMIT_MS:.2f} and {quiet / LIMIT_MS:.2f} of the limit"
        )
    access_page = _milliseconds(opening(client, f"/admin/accesses/?patient={patient}"))
    print(f"who saw a patient, among {ACCESSES:,} accesses: {access_page:.0f} ms a page")


def measure_recorded_exports() -> None:
    """Measure what it costs an export to record the numbers of its patients."""
    with sample_files(EXPORTED) as (catalogue, records):
        import_catalogue(catalogue)
        empty_records()
        import_records(records)
    client = browser()
    settings.FILES_A_MINUTE = 1000
    for form, number in {"CSV": "0", "XLSX": "1"}.items():
        seconds = medians(
            {"recorded": _exporting(client, number), "not recorded": _without_parts(_exporting(client, number))},
            rounds=EXPORT_ROUNDS,
        )
        ratio = seconds["recorded"] / seconds["not recorded"]
        print(
            f"export of {EXPORTED:,} records as {form} ({seconds['recorded']:.2f} s), with the numbers of its patients"
            f" in the access log, beside one without: {ratio:.2f} x, {ratio / EXPORT_LIMIT:.2f} of the limit"
        )


def _exporting(client: Client, form: str) -> Callable[[], None]:
    def export() -> None:
        answer: Any = client.post("/admin/patients/medicalrecord/export/", {"format": form, "resource": ""})
        deque(answer.streaming_content, maxlen=0)
        answer.close()

    return export


def _without_parts(export: Callable[[], None]) -> Callable[[], None]:
    """Return an export whose access log says how many rows it has, and not whose."""
    write = access_recorder._write

    def write_head(request: HttpRequest, shown: Any) -> None:
        if shown.file_patients is None:
            write(request, shown)

    def export_without() -> None:
        access_recorder._write = write_head
        try:
            export()
        finally:
            access_recorder._write = write

    return export_without


def _fill(client: Client) -> str:
    if MedicalRecord.objects.count() != PATIENTS:
        with sample_files(PATIENTS) as (catalogue, records):
            import_catalogue(catalogue)
            empty_records()
            import_records(records)
    with connection.cursor() as cursor:
        cursor.execute(_FILL, [int(client.session["_auth_user_id"]), ACCESSES])
        cursor.execute("VACUUM (ANALYZE)")
    return MedicalRecord.objects.values_list("pk", flat=True)[PATIENTS // 2]


def _cost(look: Callable[[], None]) -> tuple[float, float, float, float]:
    """Return milliseconds of a page, of its log entry (median and fastest tenth), and of Python code in the entry.

    The entry is measured by itself: pages with and without one differ by less than the noise of a busy machine.
    """
    spent: list[tuple[float, float]] = []
    write = access_recorder._write

    def timed(request: HttpRequest, shown: Any) -> None:
        began = time.perf_counter(), time.process_time()
        write(request, shown)
        spent.append((time.perf_counter() - began[0], time.process_time() - began[1]))

    look()
    access_recorder._write = timed
    try:
        page = _milliseconds(look)
    finally:
        access_recorder._write = write
    assert len(spent) == ROUNDS
    walls, works = ([1000 * seconds for seconds in each] for each in zip(*spent, strict=True))
    return page, median(walls), quantiles(walls, n=10)[0], median(works)


def _milliseconds(look: Callable[[], None]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        look()
        times.append(1000 * (time.perf_counter() - began))
    return median(times)
