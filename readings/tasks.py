"""The periodic jobs of readings."""

from procrastinate.contrib.django import app

from readings import retention


@app.periodic(cron="41 2 * * *")
@app.task
def keep_readings(timestamp: int) -> None:  # noqa: ARG001 (periodic tasks are given one)
    """Let old runs become final, and delete the readings whose retention is over."""
    retention.finish_old_runs()
    retention.delete_expired()
