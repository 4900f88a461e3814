"""`manage.py serve`, run as a real process with its own database."""

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

import psycopg
import pytest
from django.conf import LazySettings, settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.handlers.wsgi import WSGIRequest
from django.core.management.base import CommandError
from django.db import OperationalError
from django.test import RequestFactory

from healthtrack.accounts.sign_in import second_factor
from healthtrack.environment import Environment
from healthtrack.operations import demo
from healthtrack.operations.management.commands import serve
from healthtrack.operations.preparation import as_command_error
from tests.support.databases import Database, temporary_database
from tests.support.embedded_postgres import wait_for
from tests.support.serving import COMMAND, LAST_LINE, environment_of, free_port, started, started_worker


def refusal(environment: dict[str, str]) -> str:
    """Return the line with which the start fails."""
    ended = subprocess.run(COMMAND, env=environment, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    return ended.stderr


def is_running(number: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(number, 0)
        return True
    return False


@dataclass
class FirstRun:
    database: str
    data: Path
    password: str


@pytest.fixture(scope="module")
def first_run(template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FirstRun]:
    data = tmp_path_factory.mktemp("first_run")
    with temporary_database(template) as database:
        with started(environment_of(database, data)) as server:
            password = server.value("password")
        yield FirstRun(database.params["dbname"], data, password)


def test_the_first_run_loads_sample_data_and_prints_a_sign_in_that_works(
    database: Database, environment: dict[str, str]
) -> None:
    with started(environment) as server:
        assert database.count("medical_records") == 30
        assert database.count("fitness_trackers") > 0
        assert server.get("/healthz").status == 200
        assert server.get("/static/admin/css/base.css").status == 200
        assert server.value("user name") == "demo"
        assert server.lets_in(server.value("password"))
        assert not server.lets_in("a guess")
        status, log = server.stop()
    assert status == 0
    # A process that is ended early may add a line of its own.
    logged = [json.loads(line) for line in log.splitlines()]
    assert [line["event"] for line in logged if "event" in line] == ["signed-in", "wrong-password"]
    password = Path(environment["HEALTHTRACK_DATA_DIR"], "demo_password")
    assert password.read_text() == server.value("password")
    assert password.stat().st_mode & 0o777 == 0o600
    assert {file.name for file in password.parent.iterdir()} == {"demo_password", "secret_key", "static", "totp_key"}


def test_two_first_runs_wait_while_another_sets_up_the_database_and_then_both_serve(
    database: Database, environment: dict[str, str]
) -> None:
    other, waits = {**environment, "PORT": str(free_port())}, "Waiting for another start of HealthTrack"
    with psycopg.connect(**database.params, autocommit=True) as first:
        first.execute("SELECT pg_advisory_lock(%s)", [demo.SET_UP_LOCK])
        with started(environment, until=waits) as one, started(other, until=waits) as two:
            assert database.ask("SELECT to_regclass('auth_user')") == [(None,)]
            first.execute("SELECT pg_advisory_unlock_all()")
            for server in (one, two):
                server.read_until(LAST_LINE)
            assert one.value("password") == two.value("password")
            assert one.get("/healthz").status == two.get("/healthz").status == 200
    assert database.count("medical_records") == 30
    assert database.count("auth_user") == 1


class TestAMigratedDatabase:
    @pytest.fixture
    def database(self, template: str) -> Iterator[Database]:
        with temporary_database(template) as database:
            yield database

    def test_no_sample_data_is_loaded_for_zero_patients(self, database: Database, environment: dict[str, str]) -> None:
        with started(environment, "--patients", "0") as server:
            assert server.lets_in(server.value("password"))
        assert database.count("medical_records") == database.count("tracker_models") == 0

    def test_the_next_start_completes_a_first_run_that_was_killed(
        self, database: Database, environment: dict[str, str]
    ) -> None:
        with started(environment, until="Loading sample data") as killed:
            killed.process.kill()
        with started(environment) as server:
            assert server.lets_in(server.value("password"))
        assert database.count("medical_records") == 30
        assert not Path(environment["HEALTHTRACK_DATA_DIR"], "sample-data").exists()

    def test_a_database_with_rows_gets_no_sample_data(self, database: Database, environment: dict[str, str]) -> None:
        database.ask(
            "INSERT INTO tracker_models (brand_name, device_type, model_name) VALUES ('boAt', 'Smartwatch', 'Xtend')"
        )
        with started(environment) as server:
            assert server.lets_in(server.value("password"))
        assert database.count("tracker_models") == 1
        assert database.count("medical_records") == 0


class TestALaterRun:
    """Each test uses a copy of the database and the data folder of a first run."""

    @pytest.fixture
    def database(self, first_run: FirstRun, tmp_path: Path) -> Iterator[Database]:
        shutil.copytree(first_run.data, tmp_path / "data")
        with temporary_database(first_run.database) as database:
            yield database

    def test_it_changes_neither_data_nor_password(
        self, database: Database, environment: dict[str, str], first_run: FirstRun
    ) -> None:
        database.ask("DELETE FROM device_assignments")
        database.ask("DELETE FROM medical_record_and_trackers")
        database.ask("DELETE FROM medical_records")
        with started(environment) as server:
            assert server.value("password") == first_run.password
            assert "sample data" not in server.output
            assert server.stop(signal.SIGINT) == (0, "")
        assert server.output.endswith("HealthTrack has stopped.\n")
        assert database.count("medical_records") == 0

    def test_a_changed_password_stays(self, database: Database, environment: dict[str, str]) -> None:
        database.ask("UPDATE auth_user SET password = %s", [PBKDF2PasswordHasher().encode("of my own", "salt")])
        with started(environment) as server:
            assert "was changed" in server.value("password")
            assert server.lets_in("of my own")

    def test_no_demo_account_is_created_beside_an_administrator(
        self, database: Database, environment: dict[str, str]
    ) -> None:
        database.ask("UPDATE auth_user SET username = 'grace'")
        with started(environment) as server:
            assert server.value("sign in") == "with an account of your own"
        assert database.ask("SELECT username FROM auth_user") == [("grace",)]

    def test_a_worker_that_was_killed_is_replaced(self, environment: dict[str, str]) -> None:
        with started(environment) as server:
            first = started_worker(server)
            os.kill(first, signal.SIGKILL)
            second = started_worker(server, killed=first)
            assert server.stop() == (0, "")
        assert not is_running(second)

    def test_no_worker_outlives_a_server_that_was_killed(self, environment: dict[str, str]) -> None:
        with started(environment) as server:
            worker = started_worker(server)
            server.process.kill()
            wait_for(lambda: not is_running(worker))

    def test_search_queries_are_not_logged(self, environment: dict[str, str]) -> None:
        with started(environment) as server:
            server.get("/admin/login/?q=Ada+Byron")
            server.get("/nowhere/?q=Ada+Byron")
            _, errors = server.stop()
        assert "Byron" not in server.output + errors


def test_without_a_database_url_it_starts_its_own_postgresql(environment: dict[str, str], data: Path) -> None:
    del environment["DATABASE_URL"]
    with started({**environment, "HEALTHTRACK_DATA_DIR": str(data)}) as server:
        assert server.value("data") == str(data)
        assert server.get("/healthz").status == 200
        assert server.stop() == (0, "")


def test_a_port_in_use_is_reported_with_a_remedy(environment: dict[str, str]) -> None:
    with socket.socket() as other:
        other.bind((serve.HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        sentence = refusal({**environment, "PORT": str(port)})
    assert f"Port {port} is used by another program; choose another port: PORT={port + 1} make run" in sentence


def test_a_database_that_does_not_answer_is_reported_in_one_line(environment: dict[str, str]) -> None:
    sentence = refusal({**environment, "DATABASE_URL": f"postgresql://me@127.0.0.1:{free_port()}/none"})
    assert "The database cannot be used" in sentence
    assert "refused" in sentence


def test_an_unwritable_data_folder_is_reported_in_one_line(environment: dict[str, str]) -> None:
    sentence = refusal({**environment, "HEALTHTRACK_DATA_DIR": "/dev/null/data"})
    assert "/dev/null/data is not writable" in sentence


def test_an_error_of_the_embedded_postgresql_is_passed_on_unchanged() -> None:
    class EmbeddedError(CommandError, OperationalError):
        pass

    error = EmbeddedError("says what to do")
    assert as_command_error(error) is error


@pytest.mark.parametrize(("value", "required"), [("", False), ("0", False), ("1", True)])
def test_outside_of_production_a_second_factor_is_required_only_if_the_variable_is_set(
    value: str, required: bool, settings: LazySettings
) -> None:
    def application(environ: WSGIEnvironment, _: StartResponse) -> list[bytes]:
        request = WSGIRequest(environ)
        request.user, request.session = Member(), {}  # type: ignore[assignment]  # nothing else of them is read
        return [str(second_factor.is_required(request)).encode()]

    def answer(**headers: str) -> bytes:
        environ = {**RequestFactory().get("/", headers=headers).environ}
        return b"".join(serve.make_application(application)(environ, lambda *_: lambda _: None))

    settings.SECOND_FACTOR = True
    settings.ENVIRONMENT = Environment.read({"HEALTHTRACK_SECOND_FACTOR": value})
    assert answer() == str(required).encode()
    settings.PRODUCTION = True
    assert answer() == b"True"
    assert answer(**{"healthtrack.second_factor_waived": "1"}) == b"True"
    assert settings.SECOND_FACTOR is True


class Member:
    is_authenticated = True

    def is_verified(self) -> bool:
        return False
