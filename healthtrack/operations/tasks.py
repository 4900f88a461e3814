"""The periodic job that measures the database."""

from procrastinate.contrib.django import app

from healthtrack.operations import database_size


@app.periodic(cron="11 2 * * *")
@app.task
def measure_database(timestamp: int) -> None:  # noqa: ARG001 (periodic tasks are given one)
    """Store the size of the database for this day."""
    database_size.store()
