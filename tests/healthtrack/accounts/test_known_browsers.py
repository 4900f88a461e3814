"""Failures of others do not lock out a browser in which the account completed a sign-in before."""

import time
from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from healthtrack.accounts import limits
from healthtrack.accounts.limits import Limit
from healthtrack.accounts.models import RecoveryCodes
from tests.support import factories
from tests.support.password_guessing import ELSEWHERE, HERE, LOGIN, gets_in, guess, known_browser, signs_in
from tests.support.signing_in import PASSWORD, code, enrol_app

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def locks(settings: LazySettings) -> None:
    settings.AXES_ENABLED = True


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
    assert signs_in(client)
    for _ in range(5):
        answer = other.post(LOGIN, {"username": "keeper", "password": "guess"})
    assert answer.status_code == 429


@pytest.mark.usefixtures("keeper")
def test_five_failures_of_a_colleague_at_the_same_address_do_not_lock_out_a_known_browser() -> None:
    client = known_browser(HERE)
    assert guess(9).status_code == 429
    assert not gets_in()
    assert signs_in(client)
    assert not gets_in()


@pytest.mark.usefixtures("keeper")
def test_a_known_browser_is_locked_out_by_its_own_failures_at_every_address() -> None:
    client = known_browser()
    for number in range(5):
        answer = client.post(LOGIN, {"username": "keeper", "password": "guess"}, REMOTE_ADDR=f"203.0.113.{number}")
    assert answer.status_code == 429
    assert "Too many failed attempts for this account in this browser." in answer.content.decode()
    assert not signs_in(client)
    assert gets_in(ELSEWHERE)
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))
    assert signs_in(client)


@pytest.mark.usefixtures("keeper")
def test_a_browser_is_no_longer_known_after_the_password_changes(keeper: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FAILURES_FROM_ADDRESS", Limit("failed sign-ins from", 1, 900))
    client = known_browser()
    keeper.set_password("seven green umbrellas")
    keeper.save()
    guess(1, ELSEWHERE)
    assert client.post(LOGIN, {"username": "keeper", "password": "guess"}).status_code == 429
    assert not signs_in(client, "seven green umbrellas")


class TestWithTheSecondFactor:
    @pytest.fixture(autouse=True)
    def needed(self, settings: LazySettings) -> None:
        settings.SECOND_FACTOR = True

    def test_a_password_alone_does_not_make_a_browser_known(self, keeper: User, settings: LazySettings) -> None:
        enrol_app(keeper)
        client = Client()
        assert signs_in(client)
        client.post("/sign-in/code/", {"code": "000000"})
        assert settings.KNOWN_BROWSER_COOKIE_NAME not in client.cookies

    def test_a_code_makes_it_known(self, keeper: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "FAILURES_FROM_ADDRESS", Limit("failed sign-ins from", 1, 900))
        device = enrol_app(keeper)
        client = Client(REMOTE_ADDR=HERE)
        signs_in(client)
        assert client.post("/sign-in/code/", {"code": code(device.key)}).status_code == 302
        client.post("/admin/logout/")
        guess(1)
        assert not gets_in()
        assert signs_in(client)

    def test_wrong_codes_of_others_do_not_make_it_wait(self, keeper: User) -> None:
        enrol_app(keeper)
        first, second, *_ = RecoveryCodes.renew(keeper)
        client, thief = Client(), Client()
        signs_in(client)
        client.post("/sign-in/code/", {"code": first})
        client.post("/admin/logout/")
        signs_in(thief)
        RecoveryCodes.objects.update(throttling_failure_count=9, throttling_failure_timestamp=timezone.now())
        assert thief.post("/sign-in/code/", {"code": second}).status_code == 429
        signs_in(client)
        assert client.post("/sign-in/code/", {"code": second}).status_code == 302

    def test_its_own_wrong_codes_make_it_wait(self, keeper: User) -> None:
        enrol_app(keeper)
        first, second, *_ = RecoveryCodes.renew(keeper)
        client = Client()
        signs_in(client)
        client.post("/sign-in/code/", {"code": first})
        client.post("/admin/logout/")
        signs_in(client)
        for _ in range(5):
            assert client.post("/sign-in/code/", {"code": "wrong-wrong-wrong"}).status_code == 200
        refused = client.post("/sign-in/code/", {"code": second})
        assert refused.status_code == 429
        assert int(refused["Retry-After"]) > 8

    def test_setting_up_an_app_makes_it_known(self, keeper: User, settings: LazySettings) -> None:
        client = Client()
        signs_in(client)
        client.get("/sign-in/enrol/")
        assert settings.KNOWN_BROWSER_COOKIE_NAME not in client.cookies
        client.post("/sign-in/enrol/", {"code": code(client.session["enrolling"])})
        assert settings.KNOWN_BROWSER_COOKIE_NAME in client.cookies

    def test_a_browser_stays_known_if_the_person_changes_the_password_there(self, keeper: User) -> None:
        enrol_app(keeper)
        first, second, *_ = RecoveryCodes.renew(keeper)
        client = Client(REMOTE_ADDR=HERE)
        signs_in(client)
        client.post("/sign-in/code/", {"code": first})
        new = dict.fromkeys(("new_password1", "new_password2"), "seven green umbrellas dancing")
        form = {"old_password": PASSWORD, **new, "confirmation_code": second}
        assert client.post("/admin/password_change/", form).status_code == 302
        client.post("/admin/logout/")
        guess(6)
        assert signs_in(client, "seven green umbrellas dancing")


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
def test_a_browser_is_known_for_90_days(monkeypatch: pytest.MonkeyPatch) -> None:
    client = known_browser(HERE)
    guess(5)
    end = time.time() + timedelta(days=90).total_seconds()
    monkeypatch.setattr("django.core.signing.time.time", lambda: end + 60)
    assert not signs_in(client)
    monkeypatch.setattr("django.core.signing.time.time", lambda: end - 60)
    assert signs_in(client)


@pytest.mark.usefixtures("keeper")
def test_a_wrong_password_does_not_make_a_browser_known(settings: LazySettings) -> None:
    client = Client()
    client.post(LOGIN, {"username": "keeper", "password": "guess"})
    assert settings.KNOWN_BROWSER_COOKIE_NAME not in client.cookies
