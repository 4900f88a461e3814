"""The worker: claim jobs, take over those of dead workers, and end imports that no worker runs any more."""

import asyncio

from asgiref.sync import sync_to_async
from django.db import Error, close_old_connections
from procrastinate import App
from procrastinate.contrib.django import app
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status

from healthtrack.imports.life_cycle import heartbeat
from healthtrack.imports.tasks import fail_abandoned, is_last_attempt

CONCURRENT_JOBS = 2  # so that a file can be checked while another is imported
HEARTBEAT_SECONDS = 10.0
UPKEEP_SECONDS = 10.0
GRACE_SECONDS = 5.0


async def work() -> None:
    """Run jobs until the process receives a signal to stop, or loses the database."""
    with app.replace_connector(app.connector.get_worker_connector()) as own:  # type: ignore[attr-defined]  # of the psycopg connector
        async with own.open_async():
            upkeep = asyncio.create_task(_run_upkeep(own))
            try:
                await own.run_worker_async(
                    concurrency=CONCURRENT_JOBS,
                    update_heartbeat_interval=HEARTBEAT_SECONDS,
                    stalled_worker_timeout=heartbeat.SILENT_SECONDS,
                    shutdown_graceful_timeout=GRACE_SECONDS,
                    delete_jobs="successful",
                )
            finally:
                upkeep.cancel()


async def _run_upkeep(own: App) -> None:
    while True:
        try:
            for job in await own.job_manager.get_stalled_jobs(seconds_since_heartbeat=heartbeat.SILENT_SECONDS):
                await _take_over(own, job)
            await sync_to_async(_fail_abandoned)()
        except (Error, ConnectorException):
            close_old_connections()  # if the database stays away, the worker itself ends
        await asyncio.sleep(UPKEEP_SECONDS)


async def _take_over(own: App, job: Job) -> None:
    if is_last_attempt(job):
        await own.job_manager.finish_job(job, status=Status.FAILED, delete_job=False)
    else:
        await own.job_manager.retry_job(job)


def _fail_abandoned() -> None:
    close_old_connections()
    fail_abandoned()
