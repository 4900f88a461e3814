"""Start, query and stop servers in tests."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from email.message import Message
from pathlib import Path
from types import MappingProxyType
from typing import IO, NamedTuple
from urllib.parse import urlencode

import pytest
from django.conf import settings

from healthtrack.operations.management.commands import serve
from tests.support.databases import Database
from tests.support.embedded_postgres import wait_for

COMMAND = (sys.executable, "manage.py", "serve", "--patients", "30")
LAST_LINE = "to stop"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((serve.HOST, 0))
        return int(probe.getsockname()[1])


def environment_of(database: Database, data: Path) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": database.url,
        "HEALTHTRACK_DATA_DIR": str(data),
        "HEALTHTRACK_DEBUG": "1",
        "PORT": str(free_port()),
    }


class Response(NamedTuple):
    status: int
    headers: Message
    content: bytes

    @property
    def cookie(self) -> str:
        return str(self.headers["Set-Cookie"] or "")

    @property
    def body(self) -> str:
        return self.content.decode()


class Server:
    """A server process, and what it has printed."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port
        self.output = ""

    def read_until(self, text: str) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.output += line
            if text in line:
                return
        pytest.fail(f"It ended too early:\n{self.output}{self.process.communicate()[1]}")

    def value(self, name: str) -> str:
        """Return the value that the server printed after this name."""
        found = re.search(rf"^ +{name} +(.+)$", self.output, re.MULTILINE)
        assert found, self.output
        return found[1]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Send the signal, wait for the end, and return the exit code and the error output.

        psycopg warns of a query of the worker that the end interrupts; by chance there is one, so that is left out.
        """
        self.process.send_signal(number)
        rest, errors = self.process.communicate(timeout=20)
        self.output += rest
        lines = [line for line in errors.splitlines(keepends=True) if '"logger": "psycopg' not in line]
        return self.process.returncode, "".join(lines)

    def get(
        self,
        address: str,
        cookie: str = "",
        form: dict[str, str] | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> Response:
        headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded", **headers}
        with closing(http.client.HTTPConnection(serve.HOST, self.port, timeout=20)) as peer:
            peer.request("POST" if form else "GET", address, urlencode(form or {}), headers)
            answer = peer.getresponse()
            return Response(answer.status, answer.headers, answer.read())

    def lets_in(self, password: str) -> bool:
        """Return whether the demo account can sign in with the password."""
        page = self.get("/admin/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.body)
        assert token
        form = {"username": "demo", "password": password, "csrfmiddlewaretoken": token[1]}
        return self.get("/admin/login/?next=/admin/", page.cookie.partition(";")[0], form).status == 302


@contextmanager
def started(
    environment: dict[str, str],
    *arguments: str,
    until: str = LAST_LINE,
    errors: int | IO[str] = subprocess.PIPE,
) -> Iterator[Server]:
    """Start `manage.py serve`. Nobody reads its error output meanwhile: give a file for it if it logs a lot."""
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        env=environment,
        cwd=settings.BASE_DIR,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
    )
    with process:
        server = Server(process, int(environment["PORT"]))
        try:
            server.read_until(until)
            yield server
        finally:
            process.terminate()


def find_worker(server: Server) -> int | None:
    """Return the pid of the worker of the server; None if it does not run yet."""
    listed = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    ).stdout
    for line in listed.splitlines():
        pid, parent, command = line.split(maxsplit=2)
        if int(parent) == server.process.pid and "manage.py worker" in command:
            return int(pid)
    return None


def started_worker(server: Server, killed: int | None = None) -> int:
    """Wait for a worker other than the killed one, and return its pid."""
    wait_for(lambda: find_worker(server) not in {None, killed})
    return find_worker(server) or 0
