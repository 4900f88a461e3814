import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.http import HttpResponseForbidden, HttpResponseNotFound

from healthtrack import urls
from tests.support.databases import Database, temporary_database
from tests.support.embedded_postgres import server_data_folder
from tests.support.serving import environment_of
from tests.support.two_roles import OwnerAndProgram, copied, two_roles_of


@pytest.fixture(scope="module")
def no_session_timeout() -> Iterator[None]:
    """Let a session that the tests of a module share outlast them, however slow the machine is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "SESSION_IDLE_SECONDS", settings.SESSION_COOKIE_AGE)
        yield


@pytest.fixture
def refusals_without_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer what is refused or missing by the status alone: the page is always the same, and takes most time."""
    monkeypatch.setattr(urls, "handler403", lambda request, exception: HttpResponseForbidden(), raising=False)
    monkeypatch.setattr(urls, "handler404", lambda request, exception: HttpResponseNotFound(), raising=False)


@pytest.fixture
def database() -> Iterator[Database]:
    """Return an empty database beside that of the tests, on the same server."""
    with temporary_database() as database:
        yield database


@pytest.fixture(scope="session")
def deployed_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnerAndProgram]:
    with temporary_database() as database, two_roles_of(database) as (owner, program):
        environment = environment_of(owner, tmp_path_factory.mktemp("deployed"))
        for command in (("migrate", "-v0"), ("database_roles", "--app", program.params["user"], "--apply")):
            subprocess.run([sys.executable, "manage.py", *command], cwd=settings.BASE_DIR, env=environment, check=True)
        yield owner, program


@pytest.fixture
def deployed(deployed_once: OwnerAndProgram) -> Iterator[OwnerAndProgram]:
    """Return a database as its owner, who has migrated it, and as the application role, which has its rights."""
    with copied(deployed_once) as roles:
        yield roles


@pytest.fixture
def environment(database: Database, tmp_path: Path) -> dict[str, str]:
    return environment_of(database, tmp_path / "data")


@pytest.fixture
def in_production(environment: dict[str, str]) -> dict[str, str]:
    return {
        **environment,
        "HEALTHTRACK_PRODUCTION": "1",
        "HEALTHTRACK_DEBUG": "0",
        "HEALTHTRACK_SECRET_KEY": "c1dec0ffee" * 6,
        "HEALTHTRACK_TOTP_KEYS": "5e" * 32,
        "HEALTHTRACK_ALLOWED_HOSTS": "healthtrack.example,127.0.0.1",
        "HEALTHTRACK_HTTPS_HEADER": "X-Forwarded-Proto",
        "HEALTHTRACK_TRUSTED_PROXIES": "127.0.0.1",
        "WEB_CONCURRENCY": "1",
    }


@pytest.fixture
def as_the_program(in_production: dict[str, str], deployed: OwnerAndProgram) -> dict[str, str]:
    """Return the environment of the web server in production, which connects as the application role."""
    _, program = deployed
    return {**in_production, "DATABASE_URL": program.url}


@pytest.fixture
def data() -> Iterator[Path]:
    """Return a data folder for an embedded PostgreSQL of this test only."""
    with server_data_folder() as folder:
        yield folder
