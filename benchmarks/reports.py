from collections.abc import Callable

from django.db import connection, transaction

from benchmarks.measuring import medians
from benchmarks.pages import MANY_PATIENTS, browser, load_many_patients, opening

ROUNDS = 5

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
    load_many_patients()
    client = browser()
    print(f"Report pages on {MANY_PATIENTS:,} patients, beside the published SQL run bare:")
    for page, sql in PUBLISHED.items():
        taken = medians({"page": opening(client, f"/reports/{page}/"), "sql": _query(sql)}, rounds=ROUNDS)
        ratio = taken["sql"] / taken["page"]
        print(f"  {page}: {ratio:.1f} x faster ({taken['page'] * 1000:.0f} ms for {taken['sql'] * 1000:.0f} ms)")


def _query(sql: str) -> Callable[[], None]:
    def run() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            # With less, NOT IN compares each patient with every link, which takes hours.
            cursor.execute("SET LOCAL work_mem = '256MB'")
            cursor.execute(sql)
            cursor.fetchall()

    return run
