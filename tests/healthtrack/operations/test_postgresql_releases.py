"""PostgreSQL releases that lack security fixes are named at each start and by `check --deploy`."""

import json
import subprocess
import sys

import pytest
from django.conf import settings
from django.db import connection, connections

from healthtrack.operations import postgresql_releases
from healthtrack.operations.checks import check_postgresql_has_security_fixes
from healthtrack.operations.postgresql_releases import MIN_SECURE_MINOR, describe_if_outdated
from healthtrack.operations.preparation import log_outdated_postgresql, outdated_postgresql
from tests.support.databases import connected_to


@pytest.fixture
def secure_minor(monkeypatch: pytest.MonkeyPatch, db: None) -> int:
    """Make the server of the tests the oldest release that is secure, and return its minor version."""
    major, minor = divmod(connection.pg_version, 10_000)  # type: ignore[attr-defined]  # not in the stubs of responses
    monkeypatch.setitem(MIN_SECURE_MINOR, major, minor)
    return int(minor)


@pytest.fixture
def outdated(monkeypatch: pytest.MonkeyPatch, secure_minor: int) -> str:
    """Make the server of the tests outdated by one release, and return the beginning of the sentence about it."""
    major = connection.pg_version // 10_000  # type: ignore[attr-defined]  # not in the stubs of responses
    monkeypatch.setitem(postgresql_releases.MIN_SECURE_MINOR, major, secure_minor + 1)
    return f"PostgreSQL {major}.{secure_minor} lacks security fixes: install {major}.{secure_minor + 1} or newer."


@pytest.mark.parametrize("version", [150019, 160015, 170011, 180004, 180006])
def test_a_release_with_known_vulnerabilities_is_outdated(version: int) -> None:
    major, minor = divmod(version, 10_000)
    assert f"PostgreSQL {major}.{minor} lacks security fixes: install {major}." in describe_if_outdated(version)


@pytest.mark.parametrize("version", [150020, 160016, 170012, 180007, 180008, 190000])
def test_a_later_release_is_not(version: int) -> None:
    assert describe_if_outdated(version) == ""


def test_check_deploy_warns(outdated: str) -> None:
    (warning,) = check_postgresql_has_security_fixes(databases=["default"])
    assert warning.id == "healthtrack.W002"
    assert warning.msg.startswith(outdated)
    assert check_postgresql_has_security_fixes(databases=None) == []


def test_check_deploy_is_silent_about_a_secure_release(secure_minor: int) -> None:
    assert check_postgresql_has_security_fixes(databases=["default"]) == []


def test_the_web_server_and_the_worker_log_one_line(outdated: str, caplog: pytest.LogCaptureFixture) -> None:
    log_outdated_postgresql()
    (record,) = caplog.records
    assert record.name == "healthtrack.operations.preparation"  # whose messages are logged
    assert record.getMessage().startswith(outdated)


def test_a_secure_release_logs_nothing(secure_minor: int, caplog: pytest.LogCaptureFixture) -> None:
    log_outdated_postgresql()
    assert not caplog.records


def test_a_database_that_does_not_answer_is_not_called_outdated(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connected_to("absent"):
        monkeypatch.delitem(connections["default"].__dict__, "pg_version", raising=False)
        assert outdated_postgresql() == ""


def test_the_start_of_gunicorn_logs_it_as_json(in_production: dict[str, str]) -> None:
    statement = (
        "from healthtrack.operations.postgresql_releases import MIN_SECURE_MINOR as m; m.update(dict.fromkeys(m, 999))"
    )
    command = (
        f"{statement}; import django; django.setup();"
        " from healthtrack.operations.preparation import log_outdated_postgresql as log; log()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", command],
        cwd=settings.BASE_DIR,
        env={**in_production, "DJANGO_SETTINGS_MODULE": "healthtrack.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = ended.stderr.splitlines()
    assert "lacks security fixes: install" in json.loads(line)["message"]
