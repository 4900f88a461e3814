"""Measure the list of a million records: every filter, search and order, first page and last."""

from statistics import median
from time import perf_counter

from django.test import Client

from benchmarks.pages import MANY_PATIENTS, browser, load_many_patients
from trackers.models import TrackerModel

LIST = "/admin/patients/medicalrecord/"
ROUNDS = 5
SEARCHES = ("a", "s j", "zoë", "an smi", "jose mull", "o'neil", "12345", "5", "nobody")
ORDERS = ("-1", "2", "-2", "3", "-3", "9", "-9")
TOGETHER = (
    "gender=F&condition=asthma&medication=yes&min_age=19&max_age=35&linked=none",
    "allergy=pollen&min_age=1&max_age=2&q=zo",
    "q=zo&o=2",
    "condition=diabetes&o=-9",
)


def measure_record_list() -> None:
    load_many_patients()
    client = browser()
    views = [f"{query}&p={page}" for query in queries() for page in (1, -1)]
    for view in views:
        _seconds(client, view)
    taken = {view: [_seconds(client, view) for _ in range(ROUNDS)] for view in views}
    every = [seconds for of_view in taken.values() for seconds in of_view]
    slowest = max(taken, key=lambda view: max(taken[view]))
    print(f"Record list on {MANY_PATIENTS:,} patients, {len(views)} views, {ROUNDS} times each:")
    print(f"  median {median(every) * 1000:.0f} ms, slowest {max(every) * 1000:.0f} ms ({slowest})")


def queries() -> list[str]:
    """Return a query string for each filter, search and order of the list, and for some combinations."""
    model = TrackerModel.objects.order_by("pk")[0]
    filters = [
        *("gender=F", "medication=yes", "condition=asthma", "condition=gout", "allergy=pollen"),
        *(f"brand={model.brand_name}", f"device_type={model.device_type}", f"tracker_model={model.pk}"),
        *(f"tracker={model.model_name}", "tracker=nothing"),
        *(f"linked={choice}" for choice in ("some", "none", "brands", "unstated", "unmatched")),
        *("max_age=18", "min_age=51", "min_age=30&max_age=30", "min_age=30&as_of=2000-01-01"),
        *(f"appointment={choice}" for choice in ("2025", "earlier", "stale", "none")),
        *("appointment_after=2025-01-01&appointment_before=2025-01-31", "duplicates=yes"),
    ]
    return ["", *filters, *(f"q={words}" for words in SEARCHES), *(f"o={order}" for order in ORDERS), *TOGETHER]


def _seconds(client: Client, view: str) -> float:
    started = perf_counter()
    answer = client.get(f"{LIST}?{view}", follow=True)
    seconds = perf_counter() - started
    assert answer.status_code == 200
    return seconds
