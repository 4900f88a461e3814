"""Lock-out of people who guess passwords, but not of the owner elsewhere, nor of others at the same address."""

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
def test_after_five_wrong_passwords_the_correct_one_is_refused_too() -> None:
    assert guess(4).status_code == 200
    refused = guess(1)
    assert refused.status_code == 429
    assert refused["Retry-After"] == "900"
    text = refused.content.decode()
    assert "Too many failed attempts for this account from your address." in text
    assert "Try again in 15 minutes" in text
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
def test_a_lock_out_ends_after_15_minutes_even_if_attempts_continue() -> None:
    guess(5)
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=14, seconds=30))
    assert guess(1).status_code == 429
    AccessAttempt.objects.update(attempt_time=AccessAttempt.objects.get().attempt_time - timedelta(seconds=31))
    assert gets_in()


@pytest.mark.usefixtures("keeper")
def test_a_successful_sign_in_resets_the_count() -> None:
    guess(4)
    assert gets_in()
    assert guess(4).status_code == 200


@pytest.mark.usefixtures("keeper")
def test_a_client_cannot_avoid_the_lock_out_by_claiming_another_address(settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.1")]
    for number in range(5):
        answer = guess(1, **{"X-Forwarded-For": f"192.0.2.{number}"})
    assert answer.status_code == 429
    for number in range(5):
        answer = guess(1, "10.0.0.1", **{"X-Forwarded-For": f"192.0.2.{number}, {ELSEWHERE}"})
    assert answer.status_code == 429


@pytest.mark.usefixtures("keeper")
def test_all_addresses_of_an_ipv6_network_count_as_one_client() -> None:
    for number in range(5):
        answer = guess(1, f"2001:db8:1:2::{number}")
    assert answer.status_code == 429
    assert gets_in("2001:db8:1:3::1")


@pytest.mark.usefixtures("keeper")
def test_an_address_that_tries_many_accounts_is_locked_out_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FAILURES_FROM_ADDRESS", Limit("failed sign-ins from", 6, 900))
    for number in range(6):
        assert guess(1, username=f"person{number}").status_code == 200
    refused = attempt(PASSWORD)
    assert refused.status_code == 429
    assert "Too many failed attempts from your address." in refused.content.decode()
    assert 0 < int(refused["Retry-After"]) <= 900
    assert gets_in(ELSEWHERE)


@pytest.mark.usefixtures("keeper")
def test_many_addresses_that_try_one_account_lock_it_and_no_other_account(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "FAILURES_FOR_NAME", Limit("failed sign-ins as", 6, 900))
    factories.staff(username="other")
    for number in range(6):
        assert guess(1, f"203.0.113.{number}").status_code == 200
    refused = attempt(PASSWORD, ELSEWHERE)
    assert refused.status_code == 429
    assert "Too many failed attempts for this account." in refused.content.decode()
    assert gets_in(ELSEWHERE, "other")


@pytest.mark.usefixtures("keeper")
def test_one_address_alone_cannot_lock_an_account_for_its_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FAILURES_FOR_NAME", Limit("failed sign-ins as", 6, 900))
    guess(30)
    assert gets_in(ELSEWHERE)


def known_browser(address: str = ELSEWHERE) -> Client:
    """Return a browser in which the keeper has signed in and out before."""
    client = Client(REMOTE_ADDR=address)
    assert client.post(LOGIN, {"username": "keeper", "password": PASSWORD}).status_code == 302
    client.post("/admin/logout/")
    return client


@pytest.mark.usefixtures("keeper")
def test_attempts_of_others_do_not_lock_out_a_known_browser(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "FAILURES_FOR_NAME", Limit("failed sign-ins as", 6, 900))
    monkeypatch.setattr(limits, "FAILURES_FROM_ADDRESS", Limit("failed sign-ins from", 3, 900))
    client, other = known_browser(), known_browser()
    for number in range(9):
        guess(1, ELSEWHERE if number < 3 else f"203.0.113.{number}")
    assert not gets_in(ELSEWHERE)
    assert client.post(LOGIN, {"username": "keeper", "password": PASSWORD}).status_code == 302
    for _ in range(5):
        answer = other.post(LOGIN, {"username": "keeper", "password": "guess"})
    assert answer.status_code == 429


@pytest.mark.usefixtures("keeper")
def test_a_browser_is_known_for_one_account_only_and_by_a_signed_cookie(
    monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    monkeypatch.setattr(limits, "FAILURES_FROM_ADDRESS", Limit("failed sign-ins from", 1, 900))
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
def test_a_wrong_password_does_not_make_a_browser_known(settings: LazySettings) -> None:
    client = Client()
    client.post(LOGIN, {"username": "keeper", "password": "guess"})
    assert settings.KNOWN_BROWSER_COOKIE_NAME not in client.cookies


def test_an_unknown_account_is_locked_out_like_an_existing_one() -> None:
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


def test_the_typed_user_name_is_neither_stored_nor_logged(keeper: User, log: StringIO) -> None:
    typed = {"username": "correct horse battery", "password": "staple", "note": "Byron"}
    for _ in range(6):
        Client().post(f"{LOGIN}?next=/admin/patients/medicalrecord/%3Fname=Hopper", typed)
    gets_in()
    rows = [*AccessAttempt.objects.values(), *UseCount.objects.values()]
    assert rows
    assert "Sign-in locked out after too many failed attempts." in log.getvalue()
    assert "axes.handlers.database" in log.getvalue()
    for word in ("correct", "horse", "staple", "Byron", "Hopper", "keeper"):
        assert word not in f"{rows}{log.getvalue()}"
    assert not AccessLog.objects.exists()
    assert not AccessFailureLog.objects.exists()


def test_the_administration_does_not_show_the_tables_of_django_axes() -> None:
    keeper = User.objects.create_superuser("root", password=PASSWORD)
    client = Client()
    client.force_login(keeper)
    assert "axes" not in client.get("/admin/").content.decode().lower()
