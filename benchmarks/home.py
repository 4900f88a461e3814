from django.core.cache import caches

from benchmarks.measuring import medians
from benchmarks.pages import MANY_PATIENTS, browser, load_many_patients, opening
from reports.models import ReportChange

ROUNDS = 21


def measure_home() -> None:
    load_many_patients()
    look = opening(browser(), "/")
    look()
    counted = medians({"look": look}, rounds=ROUNDS // 3, before_each=caches["reports"].clear)["look"]
    again = medians({"look": look}, rounds=ROUNDS)["look"]
    after = medians({"look": look}, rounds=ROUNDS // 3, before_each=_change)["look"]
    print(
        f"Home on {MANY_PATIENTS:,} patients: {again * 1000:.0f} ms, {after * 1000:.0f} ms after a change,"
        f" {counted * 1000:.0f} ms when everything is counted again"
    )


def _change() -> None:
    ReportChange.objects.create()
