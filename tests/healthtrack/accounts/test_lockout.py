"""Who guesses passwords is locked out; the account's owner elsewhere, and others at the same address, are not."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from ipaddress import ip_network
from typing import Any

import pytest
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from healthtrack.accounts import limits
from healthtrack.accounts.limits import Limit
from healthtrack.accounts.models import UseCount
from healthtrack.core.logs import RedactingJsonFormatter
from tests.support import factories
from tests.support.signing_in import PASSWORD

pytestmark = pytest.mark.django_db

LOGIN = "/admin/login/"
HERE, ELSEWHERE = "203.0.113.7", "198.51.100.9"


@pytest.fixture(autouse=True)
def locks(settings: LazySettings) -> None:
    settings.AXES_ENABLED = True


def attempt(password: str, address: str = HERE, username: str = "keeper", **headers: str) -> Any:
    form = {"username": username, "password": password}
    return Client(REMOTE_ADDR=address, headers=headers).post(LOGIN, form)


def guess(times: int, address: str = HERE, username: str = "keeper", **headers: str) -> Any:
    *_, answer = [attempt(f"guess {number}", address, username, **headers) for number in range(times)]
    return answer


def gets_in(address: str = HERE, username: str = "keeper") -> bool:
    return bool(attempt(PASSWORD, address, username).status_code == 302)


@pytest.mark.usefixtures("keeper")
def test_after_five_wrong_passwords_the_right_one_will_not_do_and_a_sentence_says_so() -> None:
    assert guess(4).status_code == 200
    refused = guess(1)
    assert refused.status_code == 429
    assert refused["Retry-After"] == "900"
    text = refused.content.decode()
    assert "Wrong passwords were entered for this account from your address too often." in text
    assert "for 15 minutes" in text
    assert '<div id="container">' in text.replace("  ", "")
    assert attempt(PASSWORD).status_code == 429


@pytest.mark.usefixtures("keeper")
def test_neither_the_owner_elsewhere_nor_others_at_the_address_are_locked_out() -> None:
    factories.staff(username="other")
    guess(20)
    assert gets_in(ELSEWHERE)
    assert gets_in(HERE, "other")
    assert not gets_in(HERE)


@pytest.mark.usefixtures("keeper")
def test_the_lock_is_over_after_a_while_and_attempts_meanwhile_do_not_lengthen_it() -> None:
    guess(5)
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=14, seconds=30))
    assert guess(1).status_code == 429
    AccessAttempt.objects.update(attempt_time=AccessAttempt.objects.get().attempt_time - timedelta(seconds=31))
    assert gets_in()


@pytest.mark.usefixtures("keeper")
def test_who_gets_in_starts_anew() -> None:
    guess(4)
    assert gets_in()
    assert guess(4).status_code == 200


@pytest.mark.usefixtures("keeper")
def test_what_a_client_says_of_its_address_does_not_help_it(settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.1")]
    for number in range(5):
        answer = guess(1, **{"X-Forwarded-For": f"192.0.2.{number}"})
    assert answer.status_code == 429
    for number in range(5):
        answer = guess(1, "10.0.0.1", **{"X-Forwarded-For": f"192.0.2.{number}, {ELSEWHERE}"})
    assert answer.status_code == 429


@pytest.mark.usefixtures("keeper")
def test_who_has_a_whole_network_is_one_client() -> None:
    for number in range(5):
        answer = guess(1, f"2001:db8:1:2::{number}")
    assert answer.status_code == 429
    assert gets_in("2001:db8:1:3::1")


@pytest.mark.usefixtures("keeper")
def test_one_address_that_tries_many_accounts_is_refused_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FAILED_FROM", Limit("failed sign-ins from", 6, 900))
    for number in range(6):
        assert guess(1, username=f"person{number}").status_code == 200
    refused = attempt(PASSWORD)
    assert refused.status_code == 429
    assert "from your address too often" in refused.content.decode()
    assert 0 < int(refused["Retry-After"]) <= 900
    assert gets_in(ELSEWHERE)


@pytest.mark.usefixtures("keeper")
def test_many_addresses_that_try_one_account_are_refused_and_other_accounts_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "FAILED_AS", Limit("failed sign-ins as", 6, 900))
    factories.staff(username="other")
    for number in range(6):
        assert guess(1, f"203.0.113.{number}").status_code == 200
    refused = attempt(PASSWORD, ELSEWHERE)
    assert refused.status_code == 429
    assert "for this account too often" in refused.content.decode()
    assert gets_in(ELSEWHERE, "other")


@pytest.mark.usefixtures("keeper")
def test_one_address_alone_cannot_lock_an_account_for_its_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FAILED_AS", Limit("failed sign-ins as", 6, 900))
    guess(30)
    assert gets_in(ELSEWHERE)


def known_browser(address: str = ELSEWHERE) -> Client:
    """In which the keeper has signed in and out before."""
    client = Client(REMOTE_ADDR=address)
    assert client.post(LOGIN, {"username": "keeper", "password": PASSWORD}).status_code == 302
    client.post("/admin/logout/")
    return client


@pytest.mark.usefixtures("keeper")
def test_what_others_try_is_not_held_against_a_browser_in_which_the_account_signed_in_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "FAILED_AS", Limit("failed sign-ins as", 6, 900))
    monkeypatch.setattr(limits, "FAILED_FROM", Limit("failed sign-ins from", 3, 900))
    client, other = known_browser(), known_browser()
    for number in range(9):
        guess(1, ELSEWHERE if number < 3 else f"203.0.113.{number}")
    assert not gets_in(ELSEWHERE)
    assert client.post(LOGIN, {"username": "keeper", "password": PASSWORD}).status_code == 302
    for _ in range(5):
        answer = other.post(LOGIN, {"username": "keeper", "password": "guess"})
    assert answer.status_code == 429


@pytest.mark.usefixtures("keeper")
def test_a_browser_is_known_for_one_account_and_by_our_word_alone(
    monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    monkeypatch.setattr(limits, "FAILED_FROM", Limit("failed sign-ins from", 1, 900))
    factories.staff(username="other")
    client = known_browser()
    cookie = client.cookies[settings.KNOWN_BROWSER_COOKIE_NAME]
    assert cookie["httponly"]
    assert "keeper" not in cookie.value
    guess(1, ELSEWHERE)
    assert client.post(LOGIN, {"username": "other", "password": PASSWORD}).status_code == 429
    client.cookies[settings.KNOWN_BROWSER_COOKIE_NAME] = cookie.value[:-1] + "?"
    assert client.post(LOGIN, {"username": "keeper", "password": PASSWORD}).status_code == 429


@pytest.mark.usefixtures("keeper")
def test_a_wrong_password_makes_no_browser_known(settings: LazySettings) -> None:
    client = Client()
    client.post(LOGIN, {"username": "keeper", "password": "guess"})
    assert settings.KNOWN_BROWSER_COOKIE_NAME not in client.cookies


def test_an_account_that_is_not_there_is_locked_like_one_that_is() -> None:
    assert guess(5, username="nobody").status_code == 429


@pytest.fixture
def log() -> Iterator[StringIO]:
    handler = logging.StreamHandler(sink := StringIO())
    handler.setFormatter(RedactingJsonFormatter())
    logger = logging.getLogger("axes")
    logging.getLogger().addHandler(handler)
    logger.setLevel("DEBUG")
    yield sink
    logging.getLogger().removeHandler(handler)
    logger.setLevel("ERROR")


def test_what_is_typed_for_a_name_is_nowhere_written_down(keeper: User, log: StringIO) -> None:
    typed = {"username": "correct horse battery", "password": "staple", "note": "Byron"}
    for _ in range(6):
        Client().post(f"{LOGIN}?next=/admin/patients/medicalrecord/%3Fname=Hopper", typed)
    gets_in()
    rows = [*AccessAttempt.objects.values(), *UseCount.objects.values()]
    assert rows
    assert "Passwords are refused after too many wrong ones." in log.getvalue()
    assert "axes.handlers.database" in log.getvalue()
    for word in ("correct", "horse", "staple", "Byron", "Hopper", "keeper"):
        assert word not in f"{rows}{log.getvalue()}"
    assert not AccessLog.objects.exists()
    assert not AccessFailureLog.objects.exists()


def test_the_administration_shows_nothing_of_it() -> None:
    keeper = User.objects.create_superuser("root", password=PASSWORD)
    client = Client()
    client.force_login(keeper)
    assert "axes" not in client.get("/admin/").content.decode().lower()
