import time
from collections.abc import Callable
from statistics import median

from django.db import connection
from django.test import Client

from benchmarks.measuring import empty_records, sample_files
from benchmarks.pages import browser, opening
from healthtrack.audit import seeing
from healthtrack.audit.models import Access
from patients.models import MedicalRecord
from patients.resources import MedicalRecordResource
from trackers.resources import FitnessTrackerResource

PATIENTS = 10_000
ACCESSES = 300_000
ROUNDS = 101
LIMIT_MS = 2.0
# A third of them lists of fifty, the others pages of one patient.
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
        wall, work = _cost(opening(client, address))
        print(f"access log, {what}: {wall:.2f} ms, {work:.2f} ms of it in Python; limit {LIMIT_MS:.0f} ms")
    look = _milliseconds(opening(client, f"/admin/accesses/?patient={patient}"), time.perf_counter)
    print(f"who saw a patient, among {ACCESSES:,} accesses: {look:.0f} ms a page")


def _fill(client: Client) -> str:
    if MedicalRecord.objects.count() != PATIENTS:
        with sample_files(PATIENTS) as (catalogue, records):
            FitnessTrackerResource().import_data(catalogue)
            empty_records()
            MedicalRecordResource().import_data(records)
    with connection.cursor() as cursor:
        cursor.execute(_FILL, [int(client.session["_auth_user_id"]), ACCESSES])
        cursor.execute("VACUUM (ANALYZE)")
    return MedicalRecord.objects.values_list("pk", flat=True)[PATIENTS // 2]


def _cost(look: Callable[[], None]) -> tuple[float, float]:
    """The median of a page with the log less that of one without; the two take turns."""
    ways = {"with": seeing._write, "without": lambda *_: None}
    wall: dict[str, list[float]] = {way: [] for way in ways}
    work: dict[str, list[float]] = {way: [] for way in ways}
    look()
    before = Access.objects.count()
    try:
        for _ in range(ROUNDS):
            for way, write in ways.items():
                seeing._write = write
                began = time.perf_counter(), time.process_time()
                look()
                wall[way].append(time.perf_counter() - began[0])
                work[way].append(time.process_time() - began[1])
    finally:
        seeing._write = ways["with"]
    assert Access.objects.count() == before + ROUNDS
    return _difference(wall), _difference(work)


def _difference(seconds: dict[str, list[float]]) -> float:
    return 1000 * (median(seconds["with"]) - median(seconds["without"]))


def _milliseconds(look: Callable[[], None], clock: Callable[[], float]) -> float:
    times = []
    for _ in range(ROUNDS // 5):
        began = clock()
        look()
        times.append(1000 * (clock() - began))
    return median(times)
