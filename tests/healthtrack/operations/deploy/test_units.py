"""The example units: systemd takes them, and what they run does run."""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from healthtrack.operations.backups import keys, reading
from tests.support.databases import Database, temporary_database
from tests.support.gunicorn_server import await_answer
from tests.support.serving import Server
from tests.support.systemd_units import BACKUPS, FOLDER, VARIABLES, commands, lines, moved, variables

UNITS = sorted(file.name for file in FOLDER.iterdir() if file.suffix in {".service", ".timer"})
SERVICES = [name for name in UNITS if name.endswith(".service")]
SECTIONS = {"Unit", "Service", "Timer", "Install"}


@pytest.fixture
def database(template: str) -> Iterator[Database]:
    """With all migrations applied."""
    with temporary_database(template) as database:
        yield database


@pytest.fixture
def own(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    return variables(
        {
            "DATABASE_URL": environment["DATABASE_URL"],
            "HEALTHTRACK_DATA_DIR": str(tmp_path / "data"),
            "HEALTHTRACK_SECRET_KEY": "c1dec0ffee" * 6,
            "HEALTHTRACK_BACKUP_RECIPIENTS": keys.make(tmp_path / "key"),
            "PORT": environment["PORT"],
        }
    )


def run(command: list[str], own: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=settings.BASE_DIR, env=own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", UNITS)
def test_systemd_takes_a_unit_without_a_word(name: str, tmp_path: Path) -> None:
    assert {section for section, _, _ in lines(name)} <= SECTIONS
    if not shutil.which("systemd-analyze"):
        return
    (tmp_path / "healthtrack.env").touch()
    for unit in UNITS:
        text = moved((FOLDER / unit).read_text()).replace(VARIABLES, str(tmp_path / "healthtrack.env"))
        (tmp_path / unit).write_text(text)
    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / name], capture_output=True, text=True, check=False
    )
    assert (said.returncode, said.stderr) == (0, "")


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_may_do_more_than_it_needs(name: str) -> None:
    told = {key: value for section, key, value in lines(name) if section == "Service"}
    assert told["User"] == "healthtrack"
    assert told["EnvironmentFile"] == VARIABLES
    assert told["NoNewPrivileges"] == "yes"
    assert told["ProtectSystem"] == "strict"
    assert told["CapabilityBoundingSet"] == ""
    assert "healthtrack" in told["StateDirectory"].split()
    assert told["StateDirectoryMode"] == "0700"


def test_the_web_server_starts_tells_systemd_and_stops(own: dict[str, str], tmp_path: Path) -> None:
    (prepare,) = commands("healthtrack-web.service", "ExecStartPre")
    (serve,) = commands("healthtrack-web.service", "ExecStart")
    run(prepare, own)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(tmp_path / "notify"))
        told.settimeout(60)
        with subprocess.Popen(
            serve,
            cwd=settings.BASE_DIR,
            env={**own, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WEB_CONCURRENCY": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            server = Server(process, int(own["PORT"]))
            assert told.recv(1000).startswith(b"READY=1")
            await_answer(server)
            assert server.get("/admin/login/", headers={"X-Forwarded-Proto": "https"}).status == 200
            assert server.stop()[0] == 0


def test_the_worker_starts_and_stops(own: dict[str, str], database: Database) -> None:
    (work,) = commands("healthtrack-worker.service", "ExecStart")
    with subprocess.Popen(work, cwd=settings.BASE_DIR, env=own, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and not database.count("procrastinate_workers"):
            time.sleep(0.1)
        process.terminate()
        assert process.wait(20) == 0, process.communicate()[1]
    assert database.count("procrastinate_workers") == 0


def test_the_backup_is_written_and_old_ones_go(own: dict[str, str], tmp_path: Path) -> None:
    old = tmp_path / "old.backup"
    old.touch()
    os.utime(old, (0, 0))
    for key in ("ExecStart", "ExecStartPost"):
        (command,) = commands("healthtrack-backup.service", key)
        run([word.replace(BACKUPS, str(tmp_path)) for word in command], own)
    (written,) = tmp_path.glob("*.backup")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d{6}\.backup", written.name)
    reading.read_whole(written, keys.identities(tmp_path / "key"))
