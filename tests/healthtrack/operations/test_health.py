import time

import pytest
from django.db import OperationalError, connection
from django.test import Client

from healthtrack import __version__
from healthtrack.core.replicas import routing
from healthtrack.core.replicas.lag import Lag
from healthtrack.operations.embedded_postgres.errors import EmbeddedPostgresError


@pytest.mark.django_db
def test_it_answers_ok_and_the_version_to_anybody_when_the_database_answers() -> None:
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.content) == (200, f"OK\nHealthTrack {__version__}\n".encode())


@pytest.mark.parametrize("error", [OperationalError("down"), EmbeddedPostgresError("down")])
def test_it_answers_503_when_the_database_does_not(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def refuse() -> None:
        raise error

    monkeypatch.setattr(connection, "cursor", refuse)
    answer = Client().get("/healthz")
    assert answer.status_code == 503
    assert "database" in answer.content.decode()


def test_other_methods_are_not_allowed() -> None:
    assert Client().post("/healthz").status_code == 405


@pytest.mark.django_db
def test_an_answer_is_never_cached() -> None:
    assert "no-store" in Client().get("/healthz")["Cache-Control"]


@pytest.mark.parametrize(
    ("age", "status", "words"),
    [
        (0.25, 200, "0.2 s behind the primary"),
        (12.0, 503, "12.0 s behind the primary, too much to be read"),
        (None, 503, "does not answer, or is not a replica"),
    ],
)
def test_it_reports_how_far_each_replica_is_behind(
    monkeypatch: pytest.MonkeyPatch, age: float | None, status: int, words: str
) -> None:
    monkeypatch.setattr(routing, "get_lags", lambda: {"replica1": Lag(1, age, time.monotonic())})
    answer = Client().get("/healthz?replica")
    assert (answer.status_code, answer.content.decode()) == (status, f"replica1: {words}\n")


def test_it_says_so_when_there_is_no_replica(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "get_lags", dict)
    answer = Client().get("/healthz?replica")
    assert (answer.status_code, answer.content) == (503, b"No replica is configured.\n")
