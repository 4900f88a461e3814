import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from tests.support.databases import Database
from tests.support.embedded_postgres import stop_servers
from tests.support.serving import free_port


@pytest.fixture
def database() -> Iterator[Database]:
    """An empty database beside the tests' own, on the same server."""
    known = connection.get_connection_params()
    params = {name: known[name] for name in ("host", "port", "user", "password") if known.get(name)}
    server = Database({**params, "dbname": "postgres"})
    name = f"serve_{uuid.uuid4().hex}"
    server.ask(f"CREATE DATABASE {name}")
    yield Database({**params, "dbname": name})
    server.ask(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def environment(database: Database, tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": database.url,
        "HEALTHTRACK_DATA_DIR": str(tmp_path / "data"),
        "HEALTHTRACK_DEBUG": "1",
        "PORT": str(free_port()),
    }


@pytest.fixture
def in_production(environment: dict[str, str]) -> dict[str, str]:
    return {
        **environment,
        "HEALTHTRACK_PRODUCTION": "1",
        "HEALTHTRACK_DEBUG": "0",
        "HEALTHTRACK_SECRET_KEY": "c1dec0ffee" * 6,
        "HEALTHTRACK_ALLOWED_HOSTS": "healthtrack.example,127.0.0.1",
        "HEALTHTRACK_HTTPS_HEADER": "X-Forwarded-Proto",
        "WEB_CONCURRENCY": "1",
    }


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder whose embedded server is the test's own."""
    # Not in pytest's own folder, which nobody else may enter: root's server runs as somebody else.
    folder = Path(tempfile.mkdtemp(prefix="ht-test-")).resolve()
    folder.chmod(0o755)
    yield folder
    stop_servers(folder.glob("postgres-*"))
    shutil.rmtree(folder)
