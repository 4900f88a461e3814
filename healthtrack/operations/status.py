"""The state of the system, for administrators: what runs, what failed, and what is overdue.

`read_facts` takes one quick query, because Home asks for the warnings each time it is shown.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from healthtrack.accounts import mail
from healthtrack.core.date_formats import get_today
from healthtrack.core.replicas import routing
from healthtrack.core.replicas.routing import describe_lag
from healthtrack.imports.life_cycle.heartbeat import SILENT_SECONDS
from healthtrack.operations.postgresql_releases import describe_if_outdated

MAX_BACKUP_AGE = timedelta(hours=48)
MAX_DRILL_AGE = timedelta(days=100)  # a drill each quarter, with some days to spare
MIN_FREE_SHARE = 0.1
MIN_FREE_BYTES = 2 * 1024**3
FAILURES_SHOWN_FOR = timedelta(days=7)
_FACTS = """
    SELECT (SELECT max(last_heartbeat) FROM procrastinate_workers),
           (SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'),
           (SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'),
           (SELECT count(*) FROM procrastinate_jobs WHERE status = 'failed'
                AND id IN (SELECT job_id FROM procrastinate_events
                            WHERE type = 'failed' AND at > now() - %(days)s * interval '1 day')),
           (SELECT written_at FROM backups ORDER BY backup_id DESC LIMIT 1),
           (SELECT max(done_on) FROM restore_drills WHERE succeeded),
           (SELECT sent_at FROM mails WHERE error = '' ORDER BY mail_id DESC LIMIT 1),
           (SELECT sent_at FROM mails WHERE error <> '' ORDER BY mail_id DESC LIMIT 1),
           (SELECT count(*) FROM pg_inherits WHERE inhparent = 'public.access_log'::regclass) - 1,
           to_regclass('public.access_log_' || to_char(now() + interval '1 month', 'YYYY_MM')) IS NOT NULL,
           EXISTS (SELECT FROM access_log_default)
"""


@dataclass(frozen=True)
class Facts:
    """What the database knows; moments are None if there was none."""

    heartbeat_at: datetime | None
    waiting_jobs: int
    running_jobs: int
    failed_jobs: int
    backup_at: datetime | None
    drill_on: date | None
    mailed_at: datetime | None
    mail_failed_at: datetime | None
    access_log_months: int
    has_next_month: bool
    has_rows_without_month: bool

    @property
    def has_worker(self) -> bool:
        lately = timezone.now() - timedelta(seconds=SILENT_SECONDS)
        return self.heartbeat_at is not None and self.heartbeat_at > lately

    @property
    def does_mail_fail(self) -> bool:
        """Return whether the last mail could not be sent."""
        return self.mail_failed_at is not None and (self.mailed_at is None or self.mailed_at < self.mail_failed_at)


@dataclass(frozen=True)
class Disk:
    """The disk with the data folder, in bytes."""

    free: int
    total: int

    @property
    def is_nearly_full(self) -> bool:
        return self.free < max(MIN_FREE_BYTES, MIN_FREE_SHARE * self.total)


@dataclass(frozen=True)
class Warning:  # noqa: A001  (the word of the page)
    """Something to act on. `key` names it, and `part` is the id of its part of the page."""

    key: str
    part: str
    sentence: str

    @property
    def href(self) -> str:
        return f"{reverse('system-status')}#{self.part}"


def read_facts() -> Facts:
    """Return what the database knows."""
    with connection.cursor() as cursor:
        cursor.execute(_FACTS, {"days": FAILURES_SHOWN_FOR.days})
        return Facts(*cursor.fetchone())


def read_disk() -> Disk:
    """Return how full the disk with the data folder is."""
    usage = shutil.disk_usage(settings.HEALTHTRACK_DATA_DIR)
    return Disk(usage.free, usage.total)


def list_warnings(facts: Facts, disk: Disk) -> list[Warning]:
    """Return the warnings that follow from the facts, in the order of the page."""
    return [
        *_check_worker(facts),
        *_check_backups(facts),
        *_check_storage(facts, disk),
        *_check_replicas(),
        *_check_mail(facts),
    ]


def _check_worker(facts: Facts) -> Iterator[Warning]:
    if not facts.has_worker:
        yield Warning("no-worker", "worker", "No worker is running, so files are neither checked nor imported.")
    if facts.failed_jobs:
        jobs = "1 job" if facts.failed_jobs == 1 else f"{facts.failed_jobs:,} jobs"
        yield Warning("failed-jobs", "worker", f"{jobs} failed in the last {FAILURES_SHOWN_FOR.days} days.")


def _check_backups(facts: Facts) -> Iterator[Warning]:
    """Yield warnings in production only: elsewhere the data is a sample, or that of one person."""
    if not settings.PRODUCTION:
        return
    if facts.backup_at is None:
        yield Warning("no-backup", "backups", "No backup is recorded.")
    elif timezone.now() - facts.backup_at > MAX_BACKUP_AGE:
        hours = MAX_BACKUP_AGE.total_seconds() / 3600
        yield Warning("old-backup", "backups", f"The last backup is older than {hours:.0f} hours.")
    if facts.drill_on is None or get_today() - facts.drill_on > MAX_DRILL_AGE:
        yield Warning("no-drill", "backups", f"No restore drill succeeded in the last {MAX_DRILL_AGE.days} days.")


def _check_storage(facts: Facts, disk: Disk) -> Iterator[Warning]:
    if disk.is_nearly_full:
        yield Warning(
            "disk", "storage", f"The disk of the data folder is nearly full: {disk.free // 1024**2:,} MB are free."
        )
    if not facts.has_next_month or facts.has_rows_without_month:
        yield Warning("access-log", "storage", "The access log lacks the partition of a month.")
    version: int = connection.pg_version  # type: ignore[attr-defined]  # of the PostgreSQL backend
    if sentence := describe_if_outdated(version):
        yield Warning("postgresql", "storage", sentence)


@dataclass(frozen=True)
class Replica:
    """A replica, as the page shows it. `state` says how far it is behind, or that it does not answer."""

    name: str
    server: str
    state: str
    is_read: bool


def list_replicas() -> list[Replica]:
    """Return the replicas of the settings, and what was measured of each lately."""
    return [
        Replica(alias, _describe_server(alias), describe_lag(lag), routing.is_fit(lag))
        for alias, lag in routing.get_lags().items()
    ]


def _describe_server(alias: str) -> str:
    """Return host and port; empty if the settings name neither."""
    database = settings.DATABASES[alias]
    return ":".join(str(database[part]) for part in ("HOST", "PORT") if database.get(part))


def _check_replicas() -> Iterator[Warning]:
    unfit = [replica.name for replica in list_replicas() if not replica.is_read]
    if unfit:
        yield Warning(
            "replicas", "replicas", f"No page is read from {', '.join(unfit)}, so the primary server has more work."
        )


def _check_mail(facts: Facts) -> Iterator[Warning]:
    if mail.is_configured() and facts.does_mail_fail:
        yield Warning("mail", "mail", "The last mail could not be sent.")
