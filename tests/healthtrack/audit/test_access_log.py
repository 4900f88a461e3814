"""The access log's table: written once, parted by month, and forgotten in time."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from healthtrack.audit import partitions, tasks
from healthtrack.audit.models import Access

pytestmark = pytest.mark.django_db


def parts() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'access_log'::regclass")
        return {part for (part,) in cursor.fetchall()}


def part_of(access: Access) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM access_log WHERE access_id = %s", [access.pk])
        (part,) = cursor.fetchone()
    return str(part)


def seen(moment: datetime | None = None) -> Access:
    access = Access.objects.create(seen_at=moment or timezone.now(), page="x", patient_ids=["P1"], request="r")
    return Access.objects.get(pk=access.pk)


def month(ahead: int) -> date:
    return partitions._months_later(timezone.now().date(), ahead)


def drop(part: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {part}")


def test_a_row_stands_in_the_part_of_its_month() -> None:
    assert part_of(seen()) == partitions.part_of(month(0))


def test_parts_are_there_for_the_months_ahead() -> None:
    assert {partitions.part_of(month(ahead)) for ahead in range(3)} <= parts()


def test_a_missing_part_fails_no_page_and_its_rows_are_brought_over() -> None:
    drop(partitions.part_of(month(0)))
    access = seen()
    assert part_of(access) == "access_log_default"
    tasks.keep_access_log(timestamp=0)
    assert part_of(access) == partitions.part_of(month(0))
    with pytest.raises(DatabaseError, match="written once"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM access_log_default")


def test_making_the_months_again_changes_nothing() -> None:
    before = parts()
    call_command("keep_access_log")
    assert parts() == before


def test_no_part_is_made_far_from_today() -> None:
    with pytest.raises(DatabaseError, match="too far"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT access_log_make_month('2019-01-01')")


@pytest.mark.parametrize("table", ["access_log", "access_log_default", "the month's part"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET page = 'y'", "DELETE FROM {}", "TRUNCATE {}"])
def test_no_row_is_changed_or_removed(table: str, statement: str) -> None:
    access = seen()
    name = partitions.part_of(month(0)) if table.startswith("the") else table
    with pytest.raises(DatabaseError, match="written once"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(name))
    assert Access.objects.get().page == access.page


def test_months_go_when_they_are_older_than_is_kept(settings: LazySettings, capsys: pytest.CaptureFixture[str]) -> None:
    settings.ACCESS_LOG_MONTHS = 3
    with connection.cursor() as cursor:
        for old in ("2020_01", "2020_02"):
            first = datetime.strptime(old, "%Y_%m").replace(tzinfo=UTC)
            until = first + timedelta(days=29)
            cursor.execute(
                f"CREATE TABLE access_log_{old} PARTITION OF access_log FOR VALUES FROM ('{first}') TO ('{until}')"
            )
    seen(datetime(2020, 1, 5, tzinfo=UTC))
    kept = seen()
    call_command("keep_access_log")
    assert capsys.readouterr().out == "dropped access_log_2020_01\ndropped access_log_2020_02\n"
    assert list(Access.objects.all()) == [kept]
