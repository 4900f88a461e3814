"""The page of a patient with a year of heart rate every 5 seconds, for each span."""

import time
from datetime import date, timedelta
from statistics import median

from benchmarks.generated_readings import BEGIN, DAY, Generated
from benchmarks.pages import browser
from patients.models import Gender, MedicalRecord
from readings.charts.periods import SPANS

YEAR = Generated("heart_rate", "/min", 1, 365, 5)
ROUNDS = 40
NUMBER = "P000001"


def measure_charts() -> None:
    """Print the median and the slowest time to open the page, each time at another day."""
    MedicalRecord.objects.get_or_create(
        patient_id=NUMBER,
        defaults={
            "name": "Ada Byron",
            "date_of_birth": date(1980, 1, 1),
            "gender": Gender.FEMALE,
            "medications": False,
        },
    )
    client = browser()
    first = date(1970, 1, 1) + timedelta(days=BEGIN // DAY)
    times: dict[str, list[tuple[float, float]]] = {span: [] for span in SPANS}
    for number in range(ROUNDS):
        day = first + timedelta(days=number * 37 % YEAR.days)
        for span, own in times.items():
            began, cpu = time.perf_counter(), time.process_time()
            answer = client.get(f"/readings/{NUMBER}/?span={span}&day={day}")
            own.append((time.perf_counter() - began, time.process_time() - cpu))
            assert b"curve-1" in answer.content
    for span, own in times.items():
        seconds, cpu_seconds = (sorted(each) for each in zip(*own[2:], strict=True))  # the first ones warm up
        print(
            f"  a patient's page, {span}: median {median(seconds) * 1000:.0f} ms, slowest {seconds[-1] * 1000:.0f} ms;"
            f" median of the program's CPU time {median(cpu_seconds) * 1000:.0f} ms"
        )
