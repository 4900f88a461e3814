import pytest
from django.db import OperationalError, connection
from django.test import Client

from healthtrack.operations.embedded_postgres.errors import EmbeddedPostgresError


@pytest.mark.django_db
def test_it_says_ok_to_anybody_when_the_database_answers() -> None:
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"OK\n")


@pytest.mark.parametrize("fault", [OperationalError("down"), EmbeddedPostgresError("down")])
def test_it_answers_503_when_the_database_does_not(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    def refuse() -> None:
        raise fault

    monkeypatch.setattr(connection, "cursor", refuse)
    answer = Client().get("/healthz")
    assert answer.status_code == 503
    assert "database" in answer.content.decode()


def test_it_takes_no_other_methods() -> None:
    assert Client().post("/healthz").status_code == 405


@pytest.mark.django_db
def test_an_answer_is_never_kept() -> None:
    assert "no-store" in Client().get("/healthz")["Cache-Control"]
