from procrastinate.contrib.django import app

from reports.queries.tracked import store_tracked_patients


@app.periodic(cron="17 2 * * *")
@app.task
def count_tracked_patients(timestamp: int) -> None:  # noqa: ARG001 (periodic tasks are given one)
    """Store how many patients have a tracker on this day."""
    store_tracked_patients()
