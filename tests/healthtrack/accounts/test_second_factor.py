"""Two-factor authentication: with the password alone no page opens."""

import html
import math
import re
from datetime import timedelta

import pytest
from django.conf import LazySettings, settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from healthtrack.accounts.models import CODE_LETTERS, CODES, RecoveryCodes, Session
from tests.support import factories
from tests.support.every_address import ALL
from tests.support.signing_in import PASSWORD, client_for, code, enrol_app

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("second_factor_needed")]

RECORDS = "/admin/patients/medicalrecord/"
CODE, ENROL, OWN = "/sign-in/code/", "/sign-in/enrol/", "/sign-in/"


def sign_in(client: Client, person: User, next_page: str = RECORDS) -> str:
    answer = client.post(f"/admin/login/?next={next_page}", {"username": person.username, "password": PASSWORD})
    assert answer.status_code == 302
    return str(client.get(answer["Location"])["Location"])


def text(answer: object) -> str:
    return html.unescape(" ".join(answer.content.decode().split()))  # type: ignore[attr-defined]  # not in the stubs of responses


def enrol(client: Client, **more: str) -> list[str]:
    """Set up an app as the page describes, and return the recovery codes."""
    client.get(ENROL)
    answer = client.post(ENROL, {"code": code(client.session["enrolling"]), **more})
    return re.findall(r"<li><code>([^<]+)</code></li>", answer.content.decode())


def test_a_person_without_an_app_sets_one_up_and_returns_to_the_page(keeper: User) -> None:
    client = Client()
    assert sign_in(client, keeper) == f"{ENROL}?next=%2Fadmin%2Fpatients%2Fmedicalrecord%2F"
    page = text(client.get(f"{ENROL}?next={RECORDS}"))
    assert "data:image/svg+xml" in page
    assert re.search(r"([A-Z2-7]{4} ){7}[A-Z2-7]{4}", page)
    answer = client.post(ENROL, {"code": code(client.session["enrolling"]), "next": RECORDS})
    assert "You will not see them again" in text(answer)
    assert f'href="{RECORDS}"' in text(answer)
    assert client.get(RECORDS).status_code == 200


def test_a_wrong_code_does_not_set_up_the_app(keeper: User) -> None:
    client = client_for(keeper)
    key = (client.get(ENROL), client.session["enrolling"])[1]
    for wrong in ("000000", "x", "", "\u0661\u0662\u0663\u0664\u0665\u0666", "9" * 41):
        assert "You will not see them again" not in text(client.post(ENROL, {"code": wrong}))
    assert not TOTPDevice.objects.exists()
    assert client.session["enrolling"] == key
    assert client.get(RECORDS).status_code == 302


def test_a_correct_code_opens_the_page_and_changes_the_session_key(keeper: User) -> None:
    device = enrol_app(keeper)
    client = Client()
    assert sign_in(client, keeper).startswith(CODE)
    before = client.session.session_key
    answer = client.post(CODE, {"code": code(device.key), "next": RECORDS})
    assert answer["Location"] == RECORDS
    assert client.get(RECORDS).status_code == 200
    assert client.session.session_key != before
    assert not Session.objects.filter(pk=before).exists()


def test_replacing_the_app_needs_a_code_first(keeper: User) -> None:
    enrol_app(keeper)
    client = client_for(keeper)
    assert client.get(ENROL)["Location"].startswith(CODE)
    assert client.post(ENROL, {"code": "000000"})["Location"].startswith(CODE)


def test_a_code_works_only_once(keeper: User) -> None:
    device = enrol_app(keeper)
    shown = code(device.key)
    assert client_for(keeper).post(CODE, {"code": shown}).status_code == 302
    again = client_for(keeper).post(CODE, {"code": shown})
    assert "was already used" in text(again)


def test_after_a_wrong_code_the_next_attempt_has_to_wait(keeper: User) -> None:
    device = enrol_app(keeper)
    client = client_for(keeper)
    assert "This code is wrong" in text(client.post(CODE, {"code": "000000"}))
    refused = client.post(CODE, {"code": code(device.key)})
    assert refused.status_code == 429
    assert refused["Retry-After"] == "1"
    assert "Wait 1 s" in text(refused)
    TOTPDevice.objects.update(throttling_failure_timestamp=timezone.now() - timedelta(minutes=1))
    assert client.post(CODE, {"code": code(device.key)}).status_code == 302


def test_the_wait_after_wrong_codes_is_at_most_15_minutes(keeper: User) -> None:
    device = enrol_app(keeper)
    RecoveryCodes.renew(keeper)
    client = client_for(keeper)
    failures = {"throttling_failure_count": 40, "throttling_failure_timestamp": timezone.now()}
    TOTPDevice.objects.update(**failures)
    RecoveryCodes.objects.update(**failures)
    for right_or_wrong in (code(device.key), "wrong-wrong-wrong"):
        refused = client.post(CODE, {"code": right_or_wrong})
        assert refused.status_code == 429
        assert 60 < int(refused["Retry-After"]) <= 15 * 60
    TOTPDevice.objects.update(throttling_failure_timestamp=timezone.now() - timedelta(minutes=15))
    assert client.post(CODE, {"code": code(device.key)}).status_code == 302


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_nobody_is_redirected_to_another_site(keeper: User, elsewhere: str) -> None:
    device = enrol_app(keeper)
    answer = client_for(keeper).post(CODE, {"code": code(device.key), "next": elsewhere})
    assert answer["Location"] == "/"


def test_a_recovery_code_works_once_in_any_spelling(keeper: User) -> None:
    first, second, *_ = enrol(client_for(keeper))
    assert client_for(keeper).post(CODE, {"code": f" {first.upper()} "})["Location"] == "/"
    RecoveryCodes.objects.update(throttling_failure_timestamp=None)
    assert "recovery code is wrong" in text(client_for(keeper).post(CODE, {"code": first}))
    RecoveryCodes.objects.update(throttling_failure_timestamp=None)
    client = client_for(keeper)
    assert client.post(CODE, {"code": second.replace("-", "")}).status_code == 302
    assert f"You have {CODES - 2} recovery codes left" in text(client.get(OWN))


def test_recovery_codes_are_unique_and_only_their_digests_are_stored(keeper: User) -> None:
    codes = enrol(client_for(keeper))
    assert len(set(codes)) == CODES
    digests = RecoveryCodes.objects.get().digests
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests)
    assert not {letters for each in codes for letters in (each, each.replace("-", ""))} & set(digests)
    assert "recovery code is wrong" in text(client_for(keeper).post(CODE, {"code": digests[0][:40]}))


def test_a_recovery_code_is_too_long_to_be_found_from_its_digest(keeper: User) -> None:
    letters = enrol(client_for(keeper))[0].replace("-", "")
    assert set(letters) <= set(CODE_LETTERS)
    assert len(letters) * math.log2(len(CODE_LETTERS)) >= 112


def test_a_recovery_code_of_another_person_does_not_work(keeper: User) -> None:
    first, *_ = enrol(client_for(keeper))
    other = factories.staff(username="other")
    enrol(client_for(other))
    assert "recovery code is wrong" in text(client_for(other).post(CODE, {"code": first}))


def test_after_a_wrong_recovery_code_the_next_attempt_has_to_wait(keeper: User) -> None:
    first, *_ = enrol(client_for(keeper))
    client = client_for(keeper)
    client.post(CODE, {"code": "wrong-wrong-wrong"})
    assert client.post(CODE, {"code": first}).status_code == 429


def test_checking_a_recovery_code_directly_has_to_wait_too(keeper: User) -> None:
    code, *_ = RecoveryCodes.renew(keeper)
    device = RecoveryCodes.objects.get()
    assert not device.verify_token("wrong")
    assert not device.verify_token(code)
    RecoveryCodes.objects.update(throttling_failure_timestamp=None)
    assert RecoveryCodes.objects.get().verify_token(code)


def test_a_recovery_code_is_wrong_for_a_person_without_any_and_an_empty_code_is_a_form_error(keeper: User) -> None:
    enrol_app(keeper)
    client = client_for(keeper)
    assert "recovery code is wrong" in text(client.post(CODE, {"code": "abcde-fghij-kmnpq"}))
    assert "This field is required." in text(client.post(CODE, {"code": ""}))


def test_without_the_code_an_unknown_page_is_redirected_too(keeper: User) -> None:
    assert client_for(keeper).get("/nowhere/")["Location"].startswith(ENROL)


def test_the_code_is_needed_only_once_in_a_session(keeper: User) -> None:
    client = client_for(keeper)
    enrol(client)
    assert client.get(f"{CODE}?next={RECORDS}")["Location"] == RECORDS
    assert client.post(CODE, {"code": "000000"})["Location"] == "/"


def test_replacing_the_app_needs_the_password_and_a_code_and_ends_the_other_sessions(keeper: User) -> None:
    client, other = client_for(keeper), client_for(keeper)
    old_codes = enrol(client)
    key = TOTPDevice.objects.get().key
    for proof in ({}, {"password": PASSWORD}, {"confirmation_code": old_codes[0]}):
        assert enrol(client, **proof) == []
    assert enrol(client, password="wrong", confirmation_code=old_codes[0]) == []
    assert enrol(client, password=PASSWORD, confirmation_code="wrong-wrong-wrong") == []
    RecoveryCodes.objects.update(throttling_failure_timestamp=None)
    assert TOTPDevice.objects.get().key == key
    assert set(enrol(client, password=PASSWORD, confirmation_code=old_codes[0])).isdisjoint(old_codes)
    assert TOTPDevice.objects.get().key != key
    assert client.get(RECORDS).status_code == 200
    assert other.get(RECORDS)["Location"].endswith("ended=over")


def test_a_person_whose_second_factor_was_reset_has_to_set_it_up_again(keeper: User) -> None:
    client = client_for(keeper)
    enrol(client)
    TOTPDevice.objects.all().delete()
    assert client.get(RECORDS)["Location"].startswith(ENROL)


def test_without_the_code_people_see_no_navigation_but_may_sign_out(keeper: User) -> None:
    client = client_for(keeper)
    page = text(client.get(ENROL))
    assert 'aria-label="Main"' not in page
    assert "Saved views" not in page
    assert "Change password" not in page
    assert client.post("/admin/logout/").status_code == 200


@pytest.mark.parametrize("address", [CODE, ENROL, OWN])
def test_anonymous_people_are_redirected_to_sign_in(address: str) -> None:
    assert Client().get(address)["Location"].startswith("/admin/login/")
    assert Client().post(address, {"code": "123456"}).status_code in {302, 405}


def test_an_automatic_request_without_the_code_makes_the_page_reload(keeper: User) -> None:
    answer = client_for(keeper).get(RECORDS, headers={"HX-Request": "true"})
    assert answer.headers["HX-Refresh"] == "true"
    assert answer.content == b""


def test_a_person_with_an_app_needs_the_code_even_if_it_is_optional(keeper: User, settings: LazySettings) -> None:
    settings.SECOND_FACTOR = False
    assert client_for(keeper).get(RECORDS).status_code == 200
    device = enrol_app(keeper)
    client = client_for(keeper)
    assert client.get(RECORDS)["Location"].startswith(CODE)
    client.post(CODE, {"code": code(device.key)})
    assert client.get(RECORDS).status_code == 200


def test_no_page_of_the_administration_shows_an_authenticator_key() -> None:
    assert not [name for name in ALL if "totp" in name or "recovery" in name]
    assert reverse("sign-in:own")
    assert settings.OTP_TOTP_ISSUER == "HealthTrack"
