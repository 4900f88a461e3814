import subprocess
import sys
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.conf import LazySettings, settings
from django.contrib.auth.models import User
from django.core.cache import caches
from django.db import connection
from django.template import Context, Template
from django.test import Client, TransactionTestCase
from django.test import client as test_client
from django.test.client import store_rendered_templates  # type: ignore[attr-defined]  # not in the stubs
from hypothesis import HealthCheck
from hypothesis import settings as properties
from pytest_django import DjangoDbBlocker

from healthtrack.accounts import middleware as accounts_middleware
from healthtrack.imports import staging_tables
from reports import caching
from tests.support import factories
from tests.support.databases import Emptier, connected_as_superuser, migrated_template, rolled_back
from tests.support.embedded_roles import data_folder_of_the_tests, uses_embedded_server
from tests.support.page_addresses import make_rows
from tests.support.role_holders import make_person
from tests.support.signing_in import AsRole, SignIn, client_for

# Every run generates the same cases, so that a change fails only because of itself; `make properties` generates other
# ones each time. Without a deadline, because the machine may be busy.
properties.register_profile(
    "usual",
    max_examples=200,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
properties.register_profile("thorough", properties.get_profile("usual"), max_examples=2000, derandomize=False)
properties.load_profile("usual")


def pytest_configure() -> None:
    """Serve static files without collecting them, as with DEBUG, and change settings that are slow in tests."""
    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    if uses_embedded_server():
        settings.HEALTHTRACK_DATA_DIR = data_folder_of_the_tests(settings.HEALTHTRACK_DATA_DIR)
    settings.SECRET_KEY = "a key for the tests"  # without one, the first start creates it
    settings.TOTP_KEYS = ("5e" * 32,)
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True
    # The tests of accounts switch these on.
    settings.SECOND_FACTOR = settings.AXES_ENABLED = False
    settings.FILES_A_MINUTE = 1_000_000
    # Write when somebody was active each 90 seconds, not 15: on a busy machine, that would be one more query of a page.
    accounts_middleware.ACTIVITY_WRITE_FRACTION = 10
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the real ones are slow by design
    test_client.store_rendered_templates = _remember_only_whole_pages  # type: ignore[attr-defined]  # not in the stubs


@pytest.hookimpl(wrapper=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """Start one worker more than there are cores: tests of programs and in a browser wait much of their time."""
    return (yield) + 1


def _remember_only_whole_pages(store: dict[str, Any], *, template: Template, context: Context, **signal: Any) -> None:
    """Store the context of a page, `response.context`, but not those of the hundred templates that it includes.

    Django's test client copies them all, which takes a tenth of the time of a request.
    """
    if context.template is template:
        store_rendered_templates(store, template=template, context=context, **signal)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        assert isinstance(item, pytest.Function)
        if "browser" in item.fixturenames:
            item.add_marker("browser")
        elif starts_programs(item.module):
            item.add_marker("process")


@cache
def starts_programs(module: ModuleType) -> bool:
    """Return whether a test module uses `subprocess`, or imports from a helper module that does."""
    used = vars(module).values()
    helpers = {getattr(value, "__module__", None) for value in used} & {
        name
        for name, helper in sys.modules.items()
        if name.startswith("tests.support.") and hasattr(helper, "subprocess")
    }
    return subprocess in used or bool(helpers)


@pytest.fixture(scope="session")
def template(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """Return the name of a database with all migrations applied, to copy."""
    with django_db_blocker.unblock(), migrated_template() as name:
        yield name


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None, template: str) -> None:
    connection.settings_dict["TEST"]["TEMPLATE"] = template


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        emptier = Emptier()
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda test: emptier.empty())
        yield


@pytest.fixture(scope="module")
def as_superuser_of_the_database(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Connect as a superuser in all tests of the module, which create roles and become them."""
    with django_db_blocker.unblock(), connected_as_superuser():
        yield


@pytest.fixture(scope="module")
def administrator(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[User]:
    """Create rows of every model for the tests of a module, and return a person with all permissions.

    Every test begins with these rows, whatever the tests before it have changed; all tests of the module see them.
    """
    with django_db_blocker.unblock(), rolled_back():
        yield make_rows()


@pytest.fixture
def sign_in(db: None) -> SignIn:
    """Return a function that signs in somebody with the permissions, and returns their client."""

    return lambda *permissions: client_for(factories.staff(*permissions))


@pytest.fixture
def as_role(db: None) -> AsRole:
    """Return a function that signs in somebody with a role, such as "Data steward", and returns their client."""
    return lambda role: client_for(make_person(role, "staff"))


@pytest.fixture
def steward(as_role: AsRole) -> Client:
    """Return the client of a data steward."""
    return as_role("Data steward")


@pytest.fixture
def keeper(as_role: AsRole) -> Client:
    """Return the client of a record keeper."""
    return as_role("Record keeper")


@pytest.fixture(autouse=True)
def changes_shown_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show changes at once, however slow the machine is, and no counts of another test."""
    monkeypatch.setattr(caching, "QUICK_SECONDS", float("inf"))
    caches["reports"].clear()


@pytest.fixture
def data_folder(db: None, settings: LazySettings, tmp_path: Path) -> Path:
    """A data folder for the test's uploads: the developer's own is left alone."""
    settings.MEDIA_ROOT = tmp_path / "data" / "uploads"
    settings.UPLOAD_COPIES = tmp_path / "data" / "copies"
    return tmp_path / "data"


@pytest.fixture
def areas_dropped(transactional_db: None) -> Iterator[None]:
    """Drop staging tables after a test that commits, after which only tables are emptied."""
    yield
    for run_id in staging_tables.list_staged_runs():
        staging_tables.drop(run_id)


@pytest.fixture
def jobs_dropped(transactional_db: None) -> Iterator[None]:
    """Delete the jobs after a test that commits; their tables are not Django's, and are not emptied."""
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_workers, procrastinate_periodic_defers CASCADE")
