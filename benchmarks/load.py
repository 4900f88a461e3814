"""Measure thirty people who browse and search records at once, on a web server as in production."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from random import Random
from statistics import median, quantiles
from urllib.parse import quote

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from benchmarks.pages import MANY_PATIENTS, load_many_patients
from benchmarks.records import LIST, queries

PEOPLE = 30
SECONDS = 60
MAX_START_SECONDS = 60
READING_SECONDS = (2.0, 4.0)  # between two pages
COMMAND = ("-m", "gunicorn", "--config", "python:healthtrack.operations.gunicorn", "benchmarks.served:application")


def measure_load() -> None:
    load_many_patients()
    views = [quote(query, safe="=&") for query in queries()]
    sessions = make_sessions()
    with _served() as port:
        answers = browse(port, sessions, lambda chance: _choose_page(chance, views), SECONDS)
    errors = sum(status != 200 for status, _ in answers)
    taken = sorted(seconds for _, seconds in answers)
    print(
        f"{PEOPLE} people at once for {SECONDS} s on {MANY_PATIENTS:,} patients: {len(answers)} pages, {errors} errors"
    )
    print(f"  median {median(taken) * 1000:.0f} ms, 95 % under {quantiles(taken, n=20)[-1] * 1000:.0f} ms")


def make_sessions() -> list[str]:
    """Sign in so many people, and return their sessions."""
    return [_session(number) for number in range(PEOPLE)]


def browse(
    port: int, sessions: Sequence[str], choose_page: Callable[[Random], str], seconds: float
) -> list[tuple[int, float]]:
    """Let people open pages and read them for so long.

    Return the status and the seconds of every page; the status is 0 if there is no response.
    """
    until = time.monotonic() + seconds
    with ThreadPoolExecutor(len(sessions)) as people:
        visits = [
            people.submit(_visit, port, session, choose_page, Random(number), until)  # noqa: S311 (chooses pages)
            for number, session in enumerate(sessions)
        ]
        return [answer for visit in visits for answer in visit.result()]


def _choose_page(chance: Random, views: Sequence[str]) -> str:
    return f"{LIST}?{chance.choice(views)}&p={chance.choice((1, 1, 2, -1))}"


def _session(number: int) -> str:
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.get_or_create(username=f"person{number}", is_staff=True, is_superuser=True)[0])
    return client.cookies[settings.SESSION_COOKIE_NAME].value


@contextmanager
def _served() -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    database = connection.settings_dict["NAME"]
    environment = {**os.environ, "PORT": str(port), "HEALTHTRACK_BENCHMARKS_DATABASE": str(database)}
    with subprocess.Popen([sys.executable, *COMMAND], env=environment, cwd=settings.BASE_DIR) as server:
        try:
            await_server(server, port)
            yield port
        finally:
            server.terminate()


def await_server(server: "subprocess.Popen[bytes]", port: int) -> None:
    """Wait until the web server answers, and end the program if it does not start."""
    until = time.monotonic() + MAX_START_SECONDS
    while server.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    sys.exit("The web server did not start.")


def _visit(
    port: int, session: str, choose_page: Callable[[Random], str], chance: Random, until: float
) -> list[tuple[int, float]]:
    answers = []
    time.sleep(chance.uniform(0, READING_SECONDS[1]))
    while time.monotonic() < until:
        page = choose_page(chance)
        started = time.perf_counter()
        status = _status(port, session, page)
        answers.append((status, time.perf_counter() - started))
        time.sleep(chance.uniform(*READING_SECONDS))
    return answers


def _status(port: int, session: str, page: str) -> int:
    browser = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session}", "Accept-Encoding": "gzip"}
    with closing(browser), suppress(OSError, http.client.HTTPException):
        status, where = 302, page
        while status == 302:  # a search redirects to an address without the query
            browser.request("GET", where, headers=headers)
            answer = browser.getresponse()
            answer.read()
            status, where = answer.status, answer.headers["Location"]
        return status
    return 0
