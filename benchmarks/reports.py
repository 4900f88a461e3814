from collections.abc import Callable

from django.db import connection, transaction

from benchmarks.measuring import medians
from benchmarks.pages import MANY_PATIENTS, browser, load_many_patients, opening
from reports.models import ReportChange

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
# SQL for reports without published SQL, in the same style.
PLAIN = {
    "conditions": """
        SELECT condition, model.brand_name, count(DISTINCT record.patient_id)
          FROM medical_records AS record
          CROSS JOIN LATERAL regexp_split_to_table(lower(medical_conditions), '\\s*,\\s*') AS condition
          LEFT JOIN medical_record_and_trackers AS link USING (patient_id)
          LEFT JOIN tracker_models AS model USING (model_id)
         WHERE medical_conditions <> ''
         GROUP BY GROUPING SETS ((condition, model.brand_name), (condition))""",
    "data-quality": """
        SELECT (SELECT count(*) FROM medical_records
                 WHERE tracker <> ''
                   AND patient_id NOT IN (SELECT patient_id FROM medical_record_and_trackers)),
               (SELECT count(*) FROM (SELECT patient_id FROM medical_record_and_trackers
                                        JOIN tracker_models USING (model_id) WHERE source = 'import'
                                       GROUP BY patient_id HAVING count(DISTINCT lower(brand_name)) > 1) AS several),
               (SELECT count(*) FROM medical_records
                 WHERE coalesce(last_appointment_date, '-infinity') < current_date - interval '2 years'),
               (SELECT count(*) FROM medical_records AS record
                 WHERE EXISTS (SELECT FROM medical_records AS other
                                WHERE other.patient_id <> record.patient_id AND lower(other.name) = lower(record.name)
                                  AND other.date_of_birth = record.date_of_birth))""",
}


def compare_pages() -> None:
    load_many_patients()
    client = browser()
    client.get("/reports/age-groups/")  # fills the cache of suggestions, which is valid for longer than that of counts
    print(f"Report pages on {MANY_PATIENTS:,} patients after a change, beside the published SQL run bare, and again:")
    for page, sql in {**PUBLISHED, **PLAIN}.items():
        look = opening(client, f"/reports/{page}/")
        first = medians({"page": look, "sql": _query(sql)}, rounds=ROUNDS, before_each=_change)
        again = medians({"page": look}, rounds=4 * ROUNDS)["page"]
        print(
            f"  {page}: {first['sql'] / first['page']:.1f} x faster than {'' if page in PUBLISHED else 'plain '}SQL"
            f" ({first['page'] * 1000:.0f} ms for {first['sql'] * 1000:.0f} ms), again {again * 1000:.0f} ms"
        )


def _change() -> None:
    ReportChange.objects.create()


def _query(sql: str) -> Callable[[], None]:
    def run() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            # With less memory, NOT IN compares each patient with every link, which takes hours.
            cursor.execute("SET LOCAL work_mem = '256MB'")
            cursor.execute(sql)
            cursor.fetchall()

    return run
