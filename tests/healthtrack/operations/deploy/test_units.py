"""The example units: systemd accepts them, and their commands work."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from healthtrack.operations.backups import keys, reading, signatures, signing_keys
from tests.support.databases import Database, temporary_database
from tests.support.gunicorn_server import await_answer
from tests.support.serving import Server, free_port
from tests.support.systemd_units import (
    BACKUPS,
    FOLDER,
    OWNERS_VARIABLES,
    VARIABLES,
    commands,
    lines,
    moved,
    variables,
)
from tests.support.two_roles import OwnerAndProgram, copied, two_roles_of

UNITS = sorted(file.name for file in FOLDER.iterdir() if file.suffix in {".service", ".timer"})
SERVICES = [name for name in UNITS if name.endswith(".service")]
SECTIONS = {"Unit", "Service", "Timer", "Install"}


AS_OWNER = {"healthtrack-migrate.service", "healthtrack-backup.service", "healthtrack-access-log.service"}


@dataclass
class Deployment:
    """The database after the migrate unit has run, and the environment of the units of each role."""

    owner: Database
    program: Database
    of_owner: dict[str, str]
    of_program: dict[str, str]


@pytest.fixture(scope="module")
def migrated_by_the_unit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnerAndProgram]:
    with temporary_database() as database, two_roles_of(database) as (owner, program):
        folder = tmp_path_factory.mktemp("migrated")
        migrate_as_the_unit_does(deploy(owner, program, folder))
        yield owner, program


@pytest.fixture
def deployment(migrated_by_the_unit: OwnerAndProgram, tmp_path: Path) -> Iterator[Deployment]:
    with copied(migrated_by_the_unit) as (owner, program):
        yield deploy(owner, program, tmp_path)


def deploy(owner: Database, program: Database, folder: Path) -> Deployment:
    own = {
        "HEALTHTRACK_DATA_DIR": str(folder / "data"),
        "HEALTHTRACK_SECRET_KEY": "c1dec0ffee" * 6,
        "HEALTHTRACK_TOTP_KEYS": "5e" * 32,
        "HEALTHTRACK_BACKUP_RECIPIENTS": keys.make_key(folder / "key"),
        "HEALTHTRACK_BACKUP_VERIFY_KEYS": signing_keys.make_signing_key(folder / "signing.key"),
        "HEALTHTRACK_BACKUP_SIGNING_KEY": str(folder / "signing.key"),
        "PORT": str(free_port()),
    }
    return Deployment(
        owner,
        program,
        variables({**own, "DATABASE_URL": owner.url}, "healthtrack.env", "owner.env"),
        variables({**own, "DATABASE_URL": program.url}, "healthtrack.env"),
    )


def migrate_as_the_unit_does(deployment: Deployment) -> None:
    migrate, grant_rights, rotate_keys = commands("healthtrack-migrate.service", "ExecStart")
    run(migrate, deployment.of_owner)
    # Not healthtrack_app, because tests run in parallel.
    run([*grant_rights, "--app", deployment.program.params["user"]], deployment.of_owner)
    run(rotate_keys, deployment.of_owner)


def run(command: list[str], own: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=settings.BASE_DIR, env=own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", UNITS)
def test_systemd_accepts_each_unit_without_a_warning(name: str, tmp_path: Path) -> None:
    assert {section for section, _, _ in lines(name)} <= SECTIONS
    if not shutil.which("systemd-analyze"):
        return
    (tmp_path / "variables").touch()
    for unit in UNITS:
        (tmp_path / unit).write_text(moved((FOLDER / unit).read_text(), tmp_path / "variables"))
    result = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / name], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_has_more_rights_than_it_needs(name: str) -> None:
    options = {key: value for section, key, value in lines(name) if section == "Service"}
    assert options["NoNewPrivileges"] == "yes"
    assert options["ProtectSystem"] == "strict"
    assert options["CapabilityBoundingSet"] == ""
    assert options.get("StateDirectoryMode", "0700") == "0700"


@pytest.mark.parametrize("name", SERVICES)
def test_only_services_of_the_owner_get_its_password_and_they_have_their_own_user(name: str) -> None:
    users = {value for _, key, value in lines(name) if key in {"User", "Group"}}
    files = [value for _, key, value in lines(name) if key == "EnvironmentFile"]
    folders = {folder for _, key, value in lines(name) if key == "StateDirectory" for folder in value.split()}
    if name in AS_OWNER:
        assert users == {"healthtrack-owner"}
        assert files == [VARIABLES, OWNERS_VARIABLES]
        assert folders <= {"healthtrack-backups"}
    else:
        assert users == {"healthtrack"}
        assert files == [VARIABLES]
        assert folders == {"healthtrack"}


@pytest.mark.parametrize("name", ["healthtrack-web.service", "healthtrack-worker.service"])
def test_web_server_and_worker_start_after_the_migrations(name: str) -> None:
    options = {key: value.split() for section, key, value in lines(name) if section == "Unit"}
    assert "healthtrack-migrate.service" in options["Requires"]
    assert "healthtrack-migrate.service" in options["After"]


@pytest.mark.parametrize("name", [name for name in UNITS if name.endswith(".timer")])
def test_a_timer_has_a_service_and_starts_with_the_system(name: str) -> None:
    assert name.replace(".timer", ".service") in AS_OWNER
    assert ("Install", "WantedBy", "timers.target") in lines(name)


def test_the_web_server_starts_cannot_change_the_history_and_stops(deployment: Deployment, tmp_path: Path) -> None:
    (serve,) = commands("healthtrack-web.service", "ExecStart")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifications:
        notifications.bind(str(tmp_path / "notify"))
        notifications.settimeout(60)
        with subprocess.Popen(
            serve,
            cwd=settings.BASE_DIR,
            env={**deployment.of_program, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WEB_CONCURRENCY": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                server = Server(process, int(deployment.of_program["PORT"]))
                assert notifications.recv(1000).startswith(b"READY=1")
                await_answer(server)
                assert server.get("/admin/login/", headers={"X-Forwarded-Proto": "https"}).status == 200
                assert roles_of_sessions(deployment) == {deployment.program.params["user"]}
                for statement in TAMPERING:
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        deployment.program.ask(statement)
                assert server.stop()[0] == 0
            finally:
                process.terminate()


TAMPERING = [
    statement.format(table)
    for table in ("changes", "access_log", "emergency_accesses", "emergency_ends", "restores")
    for statement in (
        "DELETE FROM {}",
        "TRUNCATE {} CASCADE",
        "SELECT FROM {} FOR UPDATE",
        "ALTER TABLE {} DISABLE TRIGGER ALL",
        "DROP TABLE {}",
    )
]


def roles_of_sessions(deployment: Deployment) -> set[str]:
    """Return the database roles of HealthTrack's sessions."""
    working = "SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = %s AND application_name = 'healthtrack'"
    return {role for (role,) in deployment.owner.ask(working, [deployment.owner.params["dbname"]])}


@pytest.mark.parametrize("name", ["healthtrack-web.service", "healthtrack-worker.service"])
def test_web_server_and_worker_refuse_the_role_that_owns_the_tables(name: str, deployment: Deployment) -> None:
    (serve,) = commands(name, "ExecStart")
    ended = subprocess.run(
        serve, cwd=settings.BASE_DIR, env=deployment.of_owner, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    refusal = ended.stderr.splitlines()[-1]
    assert f"The database role {deployment.owner.params['user']} can change the history or access log" in refusal
    assert "owns the table access_log" in refusal
    assert "`manage.py database_roles --app ROLE --apply`" in refusal
    assert "Traceback" not in ended.stderr


def test_the_worker_starts_and_stops(deployment: Deployment) -> None:
    (work,) = commands("healthtrack-worker.service", "ExecStart")
    with subprocess.Popen(
        work, cwd=settings.BASE_DIR, env=deployment.of_program, stderr=subprocess.PIPE, text=True
    ) as process:
        looks = 0
        while process.poll() is None and looks < 10:  # it has a row a moment before it listens for the signal
            looks += deployment.program.count("procrastinate_workers")
            time.sleep(0.1)
        process.terminate()
        assert process.wait(20) == 0, process.communicate()[1]
    assert deployment.program.count("procrastinate_workers") == 0


def test_the_owner_backs_up_restores_drops_old_months_and_migrates_again(
    deployment: Deployment, tmp_path: Path
) -> None:
    old = tmp_path / "old.backup"
    old.touch()
    os.utime(old, (0, 0))
    for key in ("ExecStart", "ExecStartPost"):
        (command,) = commands("healthtrack-backup.service", key)
        run([word.replace(BACKUPS, str(tmp_path)) for word in command], deployment.of_owner)
    (written,) = tmp_path.glob("*.backup")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d{6}\.backup", written.name)
    public_key = deployment.of_owner["HEALTHTRACK_BACKUP_VERIFY_KEYS"]
    with written.open("rb") as file:
        backup = signatures.verify(written, file, [signing_keys.parse(public_key)])
        reading.check_whole(backup, keys.read_identities(tmp_path / "key"))
    restore = ["restore", str(written), "--key", str(tmp_path / "key"), "--replace"]
    run([sys.executable, "manage.py", *restore], deployment.of_owner)
    assert deployment.owner.ask("SELECT file_name, signed_by FROM restores") == [(written.name, public_key)]

    deployment.owner.ask(
        "CREATE TABLE access_log_2001_01 PARTITION OF access_log FOR VALUES FROM ('2001-01-01') TO ('2001-02-01')"
    )
    (keep,) = commands("healthtrack-access-log.service", "ExecStart")
    run(keep, deployment.of_owner)
    assert deployment.owner.ask("SELECT to_regclass('access_log_2001_01')") == [(None,)]

    migrate_as_the_unit_does(deployment)
    assert not (tmp_path / "data").exists()  # the data folder belongs to the other user
