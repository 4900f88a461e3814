"""The periodic job for tables with a partition for each month."""

from procrastinate.contrib.django import app

from healthtrack.core.database import monthly_partitions


@app.periodic(cron="23 2 * * *")
@app.task
def keep_access_log(timestamp: int) -> None:  # noqa: ARG001 (periodic tasks are given one)
    """Create the coming partitions of the tables that have them, and drop those after the retention period."""
    monthly_partitions.maintain()
