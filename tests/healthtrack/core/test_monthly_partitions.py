"""The access log and the sign-in events: append-only, partitioned by month, with a retention period."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from healthtrack.accounts.models import SignInEvent
from healthtrack.accounts.sign_in_events import Kind
from healthtrack.audit import tasks
from healthtrack.audit.models import Access
from healthtrack.core.database.monthly_partitions import MonthlyPartitions, add_months

pytestmark = pytest.mark.django_db

Row = Access | SignInEvent


@dataclass(frozen=True)
class Log:
    partitions: MonthlyPartitions
    make: Callable[[datetime], Row]

    def make_row(self, moment: datetime | None = None) -> Row:
        row = self.make(moment or timezone.now())
        return type(row)._default_manager.get(pk=row.pk)

    @property
    def this_month(self) -> str:
        return self.partitions.get_name(month(0))


def make_access(moment: datetime) -> Access:
    return Access.objects.create(seen_at=moment, page="x", patient_ids=["P1"], request="r")


def make_event(moment: datetime) -> SignInEvent:
    return SignInEvent.objects.create(happened_at=moment, kind=Kind.SIGNED_IN, page="x", request="r")


@pytest.fixture(
    params=[Log(Access.partitions, make_access), Log(SignInEvent.partitions, make_event)],
    ids=lambda log: log.partitions.table,
)
def log(request: pytest.FixtureRequest) -> Log:
    found: Log = request.param
    return found


def existing_partitions(log: Log) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [log.partitions.table]
        )
        return {name for (name,) in cursor.fetchall()}


def partition_of(row: Row) -> str:
    key = "access_id" if isinstance(row, Access) else "event_id"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT tableoid::regclass::text FROM {row._meta.db_table} WHERE {key} = %s", [row.pk])
        (name,) = cursor.fetchone()
    return str(name)


def month(ahead: int) -> date:
    return add_months(timezone.now().date(), ahead)


def do(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def refuses(statement: str, reason: str) -> None:
    with pytest.raises(DatabaseError, match=reason), transaction.atomic():
        do(statement)


def test_a_row_is_in_the_partition_of_its_month(log: Log) -> None:
    assert partition_of(log.make_row()) == log.this_month


def test_partitions_exist_for_the_coming_months(log: Log) -> None:
    assert {log.partitions.get_name(month(ahead)) for ahead in range(3)} <= existing_partitions(log)


def test_without_a_partition_rows_are_stored_in_the_default_one_and_moved_later(log: Log) -> None:
    do(f"DROP TABLE {log.this_month}")
    row = log.make_row()
    default = f"{log.partitions.table}_default"
    assert partition_of(row) == default
    tasks.keep_access_log(timestamp=0)
    assert partition_of(row) == log.this_month
    refuses(f"DELETE FROM {default}", "written once")


def test_creating_the_partitions_twice_changes_nothing(log: Log) -> None:
    before = existing_partitions(log)
    call_command("keep_access_log")
    assert existing_partitions(log) == before


def test_no_partition_is_created_for_a_month_far_from_today(log: Log) -> None:
    refuses(f"SELECT {log.partitions.table}_make_month('2019-01-01')", "too far")


@pytest.mark.parametrize("table", ["{table}", "{table}_default", "{this_month}"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET page = 'y'", "DELETE FROM {}", "TRUNCATE {}"])
def test_no_row_can_be_changed_or_removed(log: Log, table: str, statement: str) -> None:
    row = log.make_row()
    name = table.format(table=log.partitions.table, this_month=log.this_month)
    refuses(statement.format(name), "written once")
    assert type(row)._default_manager.get().page == row.page


def test_partitions_are_dropped_after_the_retention_period(
    log: Log, settings: LazySettings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.ACCESS_LOG_MONTHS = 3
    table = log.partitions.table
    for old in ("2020_01", "2020_02"):
        first = datetime.strptime(old, "%Y_%m").replace(tzinfo=UTC)
        until = first + timedelta(days=29)
        do(f"CREATE TABLE {table}_{old} PARTITION OF {table} FOR VALUES FROM ('{first}') TO ('{until}')")
    log.make_row(datetime(2020, 1, 5, tzinfo=UTC))
    recent = log.make_row()
    call_command("keep_access_log")
    assert capsys.readouterr().out == f"dropped {table}_2020_01\ndropped {table}_2020_02\n"
    assert list(type(recent)._default_manager.all()) == [recent]
