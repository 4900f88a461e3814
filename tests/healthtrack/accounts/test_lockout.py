"""Lock-out of people who guess passwords, but not of the owner elsewhere, nor of others at the same address."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from ipaddress import ip_network

import pytest
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from healthtrack.accounts import limits
from healthtrack.accounts.limits import Limit
from healthtrack.accounts.models import SignInEvent, UseCount
from healthtrack.core.logs import RedactingJsonFormatter
from tests.support import factories
from tests.support.password_guessing import ELSEWHERE, HERE, LOGIN, attempt, gets_in, guess, known_browser
from tests.support.signing_in import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def locks(settings: LazySettings) -> None:
    settings.AXES_ENABLED = True


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


SPELLINGS = [
    " keeper",
    "keeper ",
    "\u00a0keeper",
    "\uff4beeper",
    "\u2003\uff4b\uff45\uff45\uff50\uff45\uff52\t",
    "keeper" + " " * 200,
]


@pytest.mark.usefixtures("keeper")
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_other_spellings_of_a_name_do_not_evade_the_lock_outs(monkeypatch: pytest.MonkeyPatch, spelling: str) -> None:
    monkeypatch.setattr(limits, "FAILURES_FOR_NAME", Limit("failed sign-ins as", 6, 900))
    for number in range(6):
        assert guess(1, f"203.0.113.{number}").status_code == 200
    assert attempt("guess", ELSEWHERE, spelling).status_code == 429
    assert attempt(PASSWORD, ELSEWHERE, spelling).status_code == 429


@pytest.mark.usefixtures("keeper")
def test_all_spellings_of_a_name_count_together() -> None:
    for spelling in SPELLINGS[:5]:
        answer = attempt("guess", username=spelling)
    assert answer.status_code == 429
    assert not gets_in()


@pytest.mark.usefixtures("keeper")
@pytest.mark.parametrize("name", ["", "\0", "kee\0per", "\ufdfa" * 4000, "k" * 4000])
def test_odd_names_are_answered_also_in_a_known_browser(name: str) -> None:
    client = known_browser()
    for _ in range(2):
        assert client.post(LOGIN, {"username": name, "password": "guess"}).status_code == 200


@pytest.mark.usefixtures("keeper")
@pytest.mark.parametrize("form", ["::ffff:{}", "::FFFF:{}", "0:0:0:0:0:ffff:{}"])
def test_ipv4_addresses_in_the_form_of_ipv6_count_one_by_one(form: str) -> None:
    guess(5, form.format(HERE))
    assert not gets_in(HERE)
    assert gets_in(form.format(ELSEWHERE))


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
    rows = [*AccessAttempt.objects.values(), *UseCount.objects.values(), *SignInEvent.objects.values()]
    assert {"wrong-password", "locked-out"} <= {row.get("kind") for row in rows}
    assert '"event": "locked-out"' in log.getvalue()
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
