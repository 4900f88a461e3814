from procrastinate.contrib.django import app

from healthtrack.audit import partitions


@app.periodic(cron="23 2 * * *")
@app.task
def keep_access_log(timestamp: int) -> None:  # noqa: ARG001 (periodic tasks are given one)
    """Create the coming partitions of the access log, and drop those after the retention period."""
    partitions.create_month_partitions()
    partitions.drop_expired_partitions()
