"""Static files, as `manage.py serve` and gunicorn serve them."""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.files.storage import storages

from healthtrack.operations import static_files
from tests.support.databases import Database, temporary_database
from tests.support.serving import Server, started

STYLE = re.compile(r'href="(/static/admin/css/base\.[^"]+)"')


@pytest.fixture
def database(template: str) -> Iterator[Database]:
    """Return a database with all migrations applied."""
    with temporary_database(template) as database:
        yield database


@pytest.fixture
def root(tmp_path: Path, settings: LazySettings) -> Path:
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STATIC_ROOT.mkdir()
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
    return tmp_path / "static"


def style(server: Server) -> str:
    found = STYLE.search(server.get("/admin/login/").body)
    assert found
    return found[1]


def test_a_page_links_files_that_a_browser_can_cache_for_ever(environment: dict[str, str]) -> None:
    environment["HEALTHTRACK_DEBUG"] = "0"
    with started(environment, "--patients", "0") as server:
        address = style(server)
        assert re.fullmatch(r"/static/admin/css/base\.[0-9a-f]{12}\.css", address)
        plain, packed = server.get(address), server.get(address, headers={"Accept-Encoding": "gzip"})
        assert "immutable" in plain.headers["Cache-Control"]
        assert plain.headers["X-Content-Type-Options"] == "nosniff"
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.content) == plain.content
        assert "immutable" not in server.get("/static/admin/css/base.css").headers["Cache-Control"]
        assert server.get("/static/../manage.py").status == 404
        assert server.stop() == (0, "")


def test_with_debug_a_changed_file_shows_at_once(environment: dict[str, str]) -> None:
    with started(environment, "--patients", "0") as server:
        assert style(server) == "/static/admin/css/base.css"
        answer = server.get("/static/admin/css/base.css")
        assert answer.status == 200
        assert "max-age=0" in answer.headers["Cache-Control"]
        assert not any(Path(environment["HEALTHTRACK_DATA_DIR"], "static").iterdir())


def test_files_are_collected_again_only_when_one_has_changed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    static_files.collect()
    assert (root / "staticfiles.json").is_file()
    (root / "staticfiles.json").unlink()
    static_files.collect()
    assert not (root / "staticfiles.json").exists()
    monkeypatch.setattr(static_files, "_fingerprint", lambda: "another")
    static_files.collect()
    assert (root / "staticfiles.json").is_file()
    assert storages["staticfiles"].url("admin/css/base.css") != "/static/admin/css/base.css"
