import threading
import time

from django.core.management import call_command
from django.db import connection

from benchmarks.measuring import empty_records
from benchmarks.pages import MANY_PATIENTS

ALLOWED_SECONDS = 1.0
FILL = f"""
    INSERT INTO medical_records (patient_id, name, date_of_birth, gender, medical_conditions, medications, allergies,
                                 last_appointment_date, tracker)
    SELECT 'P' || n,
           (ARRAY['Ada', 'Grace', 'Zoë', 'Jean-Luc'])[n % 4 + 1] || ' ' || md5(n::text),
           date '1950-01-01' + n % 20000,
           CASE WHEN n % 2 = 0 THEN 'F' ELSE 'M' END,
           CASE WHEN n % 3 = 0 THEN 'Diabetes, Asthma' ELSE '' END,
           n % 2 = 0,
           CASE WHEN n % 5 = 0 THEN 'Nuts' ELSE '' END,
           date '2024-01-01' + n % 300,
           CASE WHEN n % 7 = 0 THEN 'Band 2' ELSE '' END
      FROM generate_series(1, {MANY_PATIENTS}) AS n
"""
EDIT = "UPDATE medical_records SET last_appointment_date = last_appointment_date + 1 WHERE patient_id = %s"


class Editor(threading.Thread):
    """Edit one patient after another, and record the longest time of an edit."""

    longest = 0.0
    edits = 0

    def __init__(self) -> None:
        super().__init__()
        self.stop_requested = threading.Event()

    def run(self) -> None:
        while not self.stop_requested.wait(0.01):
            self.edits += 1
            started = time.perf_counter()
            with connection.cursor() as cursor:
                cursor.execute(EDIT, [f"P{self.edits}"])
            self.longest = max(self.longest, time.perf_counter() - started)
        connection.close()


def measure_waits() -> None:
    """Measure how long an edit waits while migrations run from the first version to the current one."""
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    call_command("migrate", "patients", "0001", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(FILL)
        cursor.execute("VACUUM (ANALYZE)")
    editor = Editor()
    editor.start()
    started = time.perf_counter()
    call_command("migrate", verbosity=0)
    seconds = time.perf_counter() - started
    editor.stop_requested.set()
    editor.join()
    empty_records()
    print(
        f"Tables of {MANY_PATIENTS:,} patients, from their first version to the present one in {seconds:.0f} s:"
        f" the longest of {editor.edits:,} edits meanwhile took {editor.longest / ALLOWED_SECONDS:.2f} of its second"
    )
