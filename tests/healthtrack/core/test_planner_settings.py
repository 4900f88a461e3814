import pytest
from django.contrib.auth.models import Permission
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from healthtrack.core.database.planner_settings import planner_settings

DEFAULTS = ("on", "on")
SETTINGS = {"enable_nestloop": "off", "enable_hashjoin": False}


def get_settings() -> tuple[str, ...]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('enable_nestloop'), current_setting('enable_hashjoin')")
        settings: tuple[str, ...] = cursor.fetchone()
        return settings


@pytest.mark.django_db(transaction=True)
def test_they_hold_for_each_statement_of_the_block_without_a_transaction() -> None:
    with planner_settings(connection, **SETTINGS):
        assert get_settings() == get_settings() == ("off", "off")
    assert get_settings() == DEFAULTS


@pytest.mark.django_db
def test_they_hold_for_each_statement_of_the_block_and_not_until_the_transaction_ends() -> None:
    with planner_settings(connection, **SETTINGS):
        assert get_settings() == get_settings() == ("off", "off")
    assert get_settings() == DEFAULTS


@pytest.mark.django_db
def test_querysets_and_parameters_work_as_usual_with_one_query_each() -> None:
    with CaptureQueriesContext(connection) as queries, planner_settings(connection, **SETTINGS):
        count = Permission.objects.filter(codename__startswith="view_").count()
        names = list(Permission.objects.filter(codename__startswith="view_").values_list("codename", flat=True))
    assert count == len(names) > 10
    assert all(name.startswith("view_") for name in names)
    assert len(queries) == 2


@pytest.mark.django_db
def test_a_statement_that_fails_leaves_the_defaults() -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), planner_settings(connection, **SETTINGS):
        connection.cursor().execute("SELECT 1 / 0")
    assert get_settings() == DEFAULTS


@pytest.mark.django_db
def test_rows_may_be_written_and_returned() -> None:
    with planner_settings(connection, **SETTINGS), connection.cursor() as cursor:
        cursor.execute("UPDATE auth_permission SET name = %s WHERE codename = 'view_user' RETURNING name", ["See 100%"])
        assert cursor.fetchall() == [("See 100%",)]
        assert cursor.rowcount == 1
