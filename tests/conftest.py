from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from django.apps import apps
from django.conf import LazySettings, settings
from django.core.cache import caches
from django.db import connection
from django.db.backends.postgresql.operations import DatabaseOperations
from django.test import Client
from hypothesis import HealthCheck
from hypothesis import settings as properties

from healthtrack.core.append_only import AppendOnly
from healthtrack.imports.staging_schema import areas
from reports import caching
from tests.support import factories

# Not timed, for the machine may be busy, nor from the last run's cases, so that every run starts alike.
properties.register_profile(
    "usual",
    max_examples=200,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
properties.register_profile("thorough", properties.get_profile("usual"), max_examples=2000)
properties.load_profile("usual")

# Of a table and, where it has some, of its parts.
_SWITCH = """
    DO $$ DECLARE part regclass; BEGIN
        FOR part IN SELECT relid FROM pg_partition_tree('{table}') UNION SELECT '{table}'::regclass LOOP
            EXECUTE format('ALTER TABLE %s {what} TRIGGER USER', part);
        END LOOP;
    END $$
"""
SignIn = Callable[..., Client]


def pytest_configure() -> None:
    """Static files come from where they lie, as with DEBUG: tests want the present ones, and need no hashed names."""
    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.SECRET_KEY = "a key for the tests"  # with none, the first start makes one
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True
    # The tests of the sign-in switch these on.
    settings.SECOND_FACTOR = settings.AXES_ENABLED = False
    settings.FILES_A_MINUTE = 1_000_000
    _let_tests_empty_what_nobody_may()


def _let_tests_empty_what_nobody_may() -> None:
    """After a test that commits, the rows go of tables too that refuse to be emptied."""
    truncates = DatabaseOperations.sql_flush

    def sql_flush(self: DatabaseOperations, style: Any, tables: Sequence[str], **options: Any) -> list[str]:
        guarded = [
            model._meta.db_table
            for model in apps.get_models()
            if any(isinstance(trigger, AppendOnly) for trigger in getattr(model._meta, "triggers", ()))
        ]
        off, on = ([_SWITCH.format(table=table, what=what) for table in guarded] for what in ("DISABLE", "ENABLE"))
        return [*off, *truncates(self, style, tables, **options), *on]

    DatabaseOperations.sql_flush = sql_flush  # type: ignore[method-assign, assignment]


@pytest.fixture(autouse=True)
def quick_passwords(settings: LazySettings) -> None:
    """A password's hash is slow by design, and no test is about that."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def sign_in(db: None) -> SignIn:
    """Signs in a member of the staff who holds the permissions given, and returns their browser."""

    def signed_in(*permissions: str) -> Client:
        client = Client()
        client.force_login(factories.staff(*permissions))
        return client

    return signed_in


@pytest.fixture(autouse=True)
def changes_shown_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine; and what one test counted is no answer in another."""
    monkeypatch.setattr(caching, "QUICK_SECONDS", float("inf"))
    caches["reports"].clear()


@pytest.fixture
def areas_dropped(transactional_db: None) -> Iterator[None]:
    """For imports that commit: tables are emptied after such a test, but areas would stay."""
    yield
    for area in areas():
        area.drop()


@pytest.fixture
def jobs_dropped(transactional_db: None) -> Iterator[None]:
    """Their tables are not of Django's making, and are not emptied after such a test."""
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_workers, procrastinate_periodic_defers CASCADE")
