"""The access log's table: append-only, partitioned by month, with a retention period."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from healthtrack.audit import tasks
from healthtrack.audit.models import Access
from healthtrack.core.monthly_partitions import add_months

pytestmark = pytest.mark.django_db


def existing_partitions() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'access_log'::regclass")
        return {name for (name,) in cursor.fetchall()}


def partition_of(access: Access) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM access_log WHERE access_id = %s", [access.pk])
        (name,) = cursor.fetchone()
    return str(name)


def make_access(moment: datetime | None = None) -> Access:
    access = Access.objects.create(seen_at=moment or timezone.now(), page="x", patient_ids=["P1"], request="r")
    return Access.objects.get(pk=access.pk)


def month(ahead: int) -> date:
    return add_months(timezone.now().date(), ahead)


def drop(partition: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {partition}")


def test_a_row_is_in_the_partition_of_its_month() -> None:
    assert partition_of(make_access()) == Access.partitions.get_name(month(0))


def test_partitions_exist_for_the_coming_months() -> None:
    assert {Access.partitions.get_name(month(ahead)) for ahead in range(3)} <= existing_partitions()


def test_without_a_partition_rows_are_stored_in_the_default_one_and_moved_later() -> None:
    drop(Access.partitions.get_name(month(0)))
    access = make_access()
    assert partition_of(access) == "access_log_default"
    tasks.keep_access_log(timestamp=0)
    assert partition_of(access) == Access.partitions.get_name(month(0))
    with pytest.raises(DatabaseError, match="written once"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM access_log_default")


def test_creating_the_partitions_twice_changes_nothing() -> None:
    before = existing_partitions()
    call_command("keep_access_log")
    assert existing_partitions() == before


def test_no_partition_is_created_for_a_month_far_from_today() -> None:
    with pytest.raises(DatabaseError, match="too far"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT access_log_make_month('2019-01-01')")


@pytest.mark.parametrize("table", ["access_log", "access_log_default", "the month's partition"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET page = 'y'", "DELETE FROM {}", "TRUNCATE {}"])
def test_no_row_can_be_changed_or_removed(table: str, statement: str) -> None:
    access = make_access()
    name = Access.partitions.get_name(month(0)) if table.startswith("the") else table
    with pytest.raises(DatabaseError, match="written once"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(name))
    assert Access.objects.get().page == access.page


def test_partitions_are_dropped_after_the_retention_period(
    settings: LazySettings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.ACCESS_LOG_MONTHS = 3
    with connection.cursor() as cursor:
        for old in ("2020_01", "2020_02"):
            first = datetime.strptime(old, "%Y_%m").replace(tzinfo=UTC)
            until = first + timedelta(days=29)
            cursor.execute(
                f"CREATE TABLE access_log_{old} PARTITION OF access_log FOR VALUES FROM ('{first}') TO ('{until}')"
            )
    make_access(datetime(2020, 1, 5, tzinfo=UTC))
    recent = make_access()
    call_command("keep_access_log")
    assert capsys.readouterr().out == "dropped access_log_2020_01\ndropped access_log_2020_02\n"
    assert list(Access.objects.all()) == [recent]
