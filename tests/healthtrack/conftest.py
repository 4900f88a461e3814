import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.databases import Database, temporary_database
from tests.support.embedded_postgres import stop_servers
from tests.support.serving import environment_of


@pytest.fixture
def database() -> Iterator[Database]:
    """An empty database beside the tests' own, on the same server."""
    with temporary_database() as database:
        yield database


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
