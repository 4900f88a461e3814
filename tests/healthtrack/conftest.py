import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.support.databases import Database, temporary_database
from tests.support.embedded_postgres import server_data_folder
from tests.support.serving import environment_of


@pytest.fixture
def database() -> Iterator[Database]:
    """Return an empty database beside that of the tests, on the same server."""
    with temporary_database() as database:
        yield database


@pytest.fixture
def two_roles(database: Database) -> Iterator[tuple[Database, Database]]:
    """Return the empty database as its owner and as the application role; neither is a superuser."""
    owner, program = (f"{name}_{database.params['dbname']}" for name in ("owner", "app"))
    server = database.as_superuser()
    for name in (owner, program):
        server.ask(f"CREATE ROLE {name} LOGIN")
    server.ask(f"ALTER DATABASE {database.params['dbname']} OWNER TO {owner}")
    yield Database({**database.params, "user": owner}), Database({**database.params, "user": program})
    server.ask(f"ALTER DATABASE {database.params['dbname']} OWNER TO CURRENT_USER")
    for name in (program, owner):
        server.ask(f"DROP OWNED BY {name} CASCADE")
        server.ask(f"DROP ROLE {name}")


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
        "HEALTHTRACK_ALLOWED_HOSTS": "healthtrack.example,127.0.0.1",
        "HEALTHTRACK_HTTPS_HEADER": "X-Forwarded-Proto",
        "HEALTHTRACK_TRUSTED_PROXIES": "127.0.0.1",
        "WEB_CONCURRENCY": "1",
    }


@pytest.fixture
def as_the_program(in_production: dict[str, str], two_roles: tuple[Database, Database]) -> dict[str, str]:
    """Return the environment of the web server in production, after the owner has migrated and granted the rights."""
    owner, program = two_roles
    as_owner = {**in_production, "DATABASE_URL": owner.url}
    for command in (("migrate", "-v0"), ("database_roles", "--app", program.params["user"], "--apply")):
        subprocess.run([sys.executable, "manage.py", *command], cwd=settings.BASE_DIR, env=as_owner, check=True)
    return {**in_production, "DATABASE_URL": program.url}


@pytest.fixture
def data() -> Iterator[Path]:
    """Return a data folder for an embedded PostgreSQL of this test only."""
    with server_data_folder() as folder:
        yield folder
