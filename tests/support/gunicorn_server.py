"""Start HealthTrack under gunicorn as a process."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from django.conf import settings

from tests.support.serving import Server

COMMAND = (sys.executable, "-m", "gunicorn", "--config", "python:healthtrack.operations.gunicorn")


@contextmanager
def started(environment: dict[str, str]) -> Iterator[Server]:
    with subprocess.Popen(
        COMMAND, env=environment, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        server = Server(process, int(environment["PORT"]))
        try:
            await_answer(server)
            yield server
        finally:
            process.terminate()


def await_answer(server: Server) -> None:
    while server.process.poll() is None:
        with suppress(OSError):
            server.get("/healthz")
            return
        time.sleep(0.05)
    pytest.fail(f"It ended too early:\n{server.process.communicate()[1]}")
