import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.support import embedded_postgres_users
from tests.support.embedded_postgres import Client, stop_servers
from tests.support.quick_folders import quick_folder


@pytest.fixture(autouse=True)
def own_binaries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEALTHTRACK_PG_BIN", raising=False)


@pytest.fixture
def data() -> Iterator[Path]:
    # Not in pytest's folder, which no other user may enter: if root runs the tests, the server runs as another user.
    folder = Path(tempfile.mkdtemp(prefix="ht-test-", dir=quick_folder())).resolve()
    folder.chmod(0o755)
    yield folder / "var"
    stop_servers(folder.glob("**/postgres-*"))
    shutil.rmtree(folder)


@pytest.fixture
def client(data: Path) -> Iterator[Client]:
    with Client(data) as client:
        yield client


@pytest.fixture
def normal_user() -> Sequence[str]:
    return embedded_postgres_users.normal_user()
