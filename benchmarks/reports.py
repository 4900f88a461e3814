from collections.abc import Callable

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import override_settings

from benchmarks.measuring import empty_records, medians, sample_files
from patients.resources import MedicalRecordResource
from trackers.resources import FitnessTrackerResource

PATIENTS = 100_000
ROUNDS = 9

PUBLISHED = {
    "age-groups": """
        SELECT CASE WHEN extract(year FROM age(date_of_birth)) BETWEEN 0 AND 18 THEN '0-18'
                    WHEN extract(year FROM age(date_of_birth)) BETWEEN 19 AND 35 THEN '19-35'
                    WHEN extract(year FROM age(date_of_birth)) BETWEEN 36 AND 50 THEN '36-50'
                    ELSE '51+' END AS age_group, count(*)
          FROM medical_records GROUP BY age_group ORDER BY count(*) DESC""",
    "without-tracker": """
        SELECT patient_id, name FROM medical_records
         WHERE patient_id NOT IN (SELECT patient_id FROM medical_record_and_trackers) ORDER BY patient_id""",
    "brands": """
        SELECT model.brand_name, count(DISTINCT record.patient_id)
          FROM medical_records AS record
          JOIN medical_record_and_trackers AS link USING (patient_id)
          JOIN tracker_models AS model USING (model_id)
         GROUP BY model.brand_name ORDER BY count(DISTINCT record.patient_id) DESC""",
}


def compare_pages() -> None:
    with sample_files(PATIENTS) as (catalogue, records):
        FitnessTrackerResource().import_data(catalogue)
        empty_records()
        MedicalRecordResource().import_data(records)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
    client = Client()
    client.force_login(User.objects.create_superuser("bench"))
    print(f"Report pages on {PATIENTS:,} patients, beside the published SQL run bare:")
    with override_settings(ALLOWED_HOSTS=["testserver"]):
        for page, sql in PUBLISHED.items():
            taken = medians({"page": _page(client, page), "sql": _query(sql)}, rounds=ROUNDS)
            ratio = taken["sql"] / taken["page"]
            print(f"  {page}: {ratio:.1f} x faster ({taken['page'] * 1000:.0f} ms for {taken['sql'] * 1000:.0f} ms)")


def _page(client: Client, page: str) -> Callable[[], None]:
    def open_page() -> None:
        assert client.get(f"/reports/{page}/").status_code == 200

    return open_page


def _query(sql: str) -> Callable[[], None]:
    def run() -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            cursor.fetchall()

    return run
