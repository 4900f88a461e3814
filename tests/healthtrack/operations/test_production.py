"""With HEALTHTRACK_PRODUCTION, unsafe settings are refused and all traffic uses HTTPS."""

import subprocess
import sys

import pytest
from django.conf import settings

from tests.support.commands import run_manage
from tests.support.gunicorn_server import started

HTTPS = {"X-Forwarded-Proto": "https"}


def check(in_production: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return run_manage(in_production, "check", "--deploy", "--fail-level", "DEBUG")


def refusal(in_production: dict[str, str]) -> str:
    """Return the line with which the command fails."""
    ended = check(in_production)
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    return ended.stderr


def test_djangos_own_check_finds_nothing(in_production: dict[str, str]) -> None:
    ended = check(in_production)
    assert ended.returncode == 0, ended.stderr
    assert "no issues (0 silenced)" in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    "name", ["HEALTHTRACK_SECRET_KEY", "HEALTHTRACK_TOTP_KEYS", "HEALTHTRACK_ALLOWED_HOSTS", "DATABASE_URL"]
)
def test_it_does_not_start_without_a_required_variable(in_production: dict[str, str], name: str) -> None:
    assert f"Set these variables in production: {name}." in refusal({**in_production, name: ""})


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("HEALTHTRACK_DEBUG", "1", "Unset it in production"),
        ("HEALTHTRACK_SECRET_KEY", "short", "is too short"),
        ("HEALTHTRACK_SECRET_KEY_FALLBACKS", f"{60 * 'k'},short", "has a key that is too short"),
        ("HEALTHTRACK_TOTP_KEYS", "short", "write keys as `openssl rand -hex 32` prints them"),
        ("HEALTHTRACK_SECOND_FACTOR", "0", "switches two-factor authentication off"),
        ("HEALTHTRACK_ALLOWED_HOSTS", "a.example,*", "allows every host"),
        ("HEALTHTRACK_HTTPS_HEADER", "X Y", "set it to a header's name"),
        ("HEALTHTRACK_TRUSTED_PROXIES", "nginx", "write addresses such as 10.0.0.5"),
        ("HEALTHTRACK_TRUSTED_PROXIES", "", "Set HEALTHTRACK_TRUSTED_PROXIES to the proxy's address"),
        ("HEALTHTRACK_TRUSTED_PROXIES", " , ", "Set HEALTHTRACK_TRUSTED_PROXIES to the proxy's address"),
        (
            "DATABASE_URL",
            "postgresql://me@db.example/records?sslmode=require",
            "Add sslmode=verify-full to DATABASE_URL",
        ),
    ],
)
def test_it_does_not_start_with_an_unsafe_value(
    in_production: dict[str, str], name: str, value: str, sentence: str
) -> None:
    assert sentence in refusal({**in_production, name: value})


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "gunicorn", "--config", "python:healthtrack.operations.gunicorn"],
        ["manage.py", "worker"],
        ["manage.py", "migrate"],
    ],
)
def test_nothing_connects_to_a_database_whose_certificate_it_does_not_check(
    in_production: dict[str, str], command: list[str]
) -> None:
    environment = {**in_production, "DATABASE_URL": "postgresql://me@db.example/records"}
    ended = subprocess.run(
        [sys.executable, *command], cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "HealthTrack: DATABASE_URL connects to another machine, db.example, without" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_all_traffic_uses_https(as_the_program: dict[str, str]) -> None:
    with started(as_the_program) as server:
        plain = server.get("/admin/login/?next=/")
        assert plain.status == 301
        assert plain.headers["Location"].startswith("https://")
        page = server.get("/admin/login/", headers=HTTPS)
        assert page.status == 200
        assert page.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
        assert page.cookie.startswith("__Host-csrftoken=")
        assert all(word in page.cookie for word in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"))
        assert "Domain" not in page.cookie
        assert server.get("/healthz").status == 200
        assert server.get("/admin/login/", headers={**HTTPS, "Host": "evil.example"}).status == 400
        _, log = server.stop()
    assert "evil.example" not in log
    assert '"logger": "django.security.DisallowedHost"' in log
