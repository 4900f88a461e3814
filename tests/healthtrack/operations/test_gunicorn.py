"""HealthTrack under gunicorn, with the configuration for production."""

import re
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest
from django.conf import settings

from healthtrack.operations.management.commands.serve import HOST
from tests.support.databases import Database, temporary_database
from tests.support.gunicorn_server import COMMAND, started
from tests.support.serving import Server


@pytest.fixture
def database(template: str) -> Iterator[Database]:
    """Return a database with all migrations applied, because a refused page is recorded."""
    with temporary_database(template) as database:
        yield database


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return {**environment, "HEALTHTRACK_DEBUG": "0", "WEB_CONCURRENCY": "2"}


def test_it_serves_pages_and_static_files_and_counts_requests_of_all_processes(environment: dict[str, str]) -> None:
    with started(environment) as server:
        before = count_answered(server)
        for _ in range(20):
            assert server.get("/healthz").status == 200
        assert count_answered(server) == before + 20
        (style,) = re.findall(r'href="(/static/admin/css/base\.[^"]+)"', server.get("/admin/login/").body)
        assert "immutable" in server.get(style).headers["Cache-Control"]
        assert server.stop()[0] == 0


def count_answered(server: Server) -> float:
    page = server.get("/metrics").body
    assert "healthtrack_database_up 1.0" in page
    (found,) = re.findall(r'^healthtrack_requests_total{status="200",view="healthz"} (\S+)$', page, re.MULTILINE)
    return float(found)


def test_it_finishes_requests_before_it_stops(environment: dict[str, str]) -> None:
    with started(environment) as server, socket.create_connection((HOST, server.port), timeout=20) as peer:
        peer.sendall(
            b"POST /admin/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nExpect: 100-continue\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
        )
        assert peer.recv(1000).startswith(b"HTTP/1.1 100 ")
        server.process.terminate()
        await_refusal(server)
        peer.sendall(b"a=1")
        assert peer.recv(1000).startswith(b"HTTP/1.1 403 ")  # the form lacks its CSRF token
        assert server.stop()[0] == 0


@pytest.mark.parametrize("framing", ["Content-Length: 4\r\nTransfer-Encoding: chunked", "Transfer-Encoding: xchunked"])
def test_a_request_cannot_be_smuggled_in_the_body_of_another(environment: dict[str, str], framing: str) -> None:
    with started(environment) as server, socket.create_connection((HOST, server.port), timeout=20) as peer:
        body = "0\r\n\r\nGET /nowhere/ HTTP/1.1\r\nHost: localhost\r\n\r\n"
        peer.sendall(f"POST /policy-report HTTP/1.1\r\nHost: localhost\r\n{framing}\r\n\r\n{body}".encode())
        answers = b"".join(iter(lambda: peer.recv(65536), b""))
        assert answers.count(b"HTTP/1.1 ") == 1
        assert b" 404 " not in answers


def await_refusal(server: Server) -> None:
    while True:
        try:
            socket.create_connection((HOST, server.port)).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.05)


def test_without_a_data_folder_it_exits_with_a_sentence(environment: dict[str, str]) -> None:
    ended = subprocess.run(
        COMMAND,
        env={**environment, "HEALTHTRACK_DATA_DIR": "/dev/null/data"},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    starting, sentence = ended.stderr.splitlines()
    assert "Starting gunicorn" in starting
    assert sentence.startswith("HealthTrack: The data folder /dev/null/data is not writable.")
