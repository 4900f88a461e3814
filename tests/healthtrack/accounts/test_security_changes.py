"""A password alone changes nothing that somebody signs in with: each such change needs a code."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from healthtrack.accounts.models import RecoveryCodes, UseCount
from tests.support import factories
from tests.support.signing_in import PASSWORD, client_for, code, enrol_app

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("second_factor_needed")]

LOGIN, CODE, ENROL = "/admin/login/", "/sign-in/code/", "/sign-in/enrol/"
OWN_PASSWORD = "/admin/password_change/"
NEW = "seven green umbrellas dancing"
OWN_FORM = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}


def of(person: User, page: str) -> str:
    return f"/admin/auth/user/{person.pk}/{page}/"


def verified(person: User) -> tuple[Client, list[str]]:
    """Return a client in which the person has given a code, and recovery codes that are left."""
    enrol_app(person)
    first, *codes = RecoveryCodes.renew(person)
    client = client_for(person)
    assert client.post(CODE, {"code": first}).status_code == 302
    return client, codes


def password_of(person: User) -> str:
    return User.objects.get(pk=person.pk).password


@pytest.fixture
def administrator() -> User:
    permissions = ("auth.view_user", "auth.change_user", "patients.view_medicalrecord")  # the last as the keeper
    return factories.staff(*permissions, username="administrator")


def test_with_a_stolen_password_nobody_can_change_it_and_the_owner_stays_signed_in(keeper: User) -> None:
    owner, _ = verified(keeper)
    thief = Client()
    assert thief.post(LOGIN, {"username": "keeper", "password": PASSWORD}).status_code == 302
    for answer in (thief.get(OWN_PASSWORD), thief.post(OWN_PASSWORD, OWN_FORM), thief.get(f"{OWN_PASSWORD}done/")):
        assert answer.status_code == 302
        assert answer["Location"].startswith(CODE)
    assert password_of(keeper) == keeper.password
    assert owner.get("/sign-in/").status_code == 200


@pytest.mark.parametrize("given", ["", "000000", "wrong-wrong-wrong"])
def test_an_open_session_and_the_password_do_not_change_the_password_without_a_code(keeper: User, given: str) -> None:
    client, _ = verified(keeper)
    assert 'name="confirmation_code"' in client.get(OWN_PASSWORD).content.decode()
    answer = client.post(OWN_PASSWORD, {**OWN_FORM, "confirmation_code": given})
    assert answer.status_code == 200
    assert answer.context["form"].errors.keys() == {"confirmation_code"}
    assert password_of(keeper) == keeper.password


def test_with_the_old_password_and_a_code_people_change_their_password(keeper: User) -> None:
    client, _ = verified(keeper)
    key = TOTPDevice.objects.get().key
    answer = client.post(OWN_PASSWORD, {**OWN_FORM, "confirmation_code": code(key)}, follow=True)
    assert answer.redirect_chain == [(f"{OWN_PASSWORD}done/", 302)]
    assert User.objects.get(pk=keeper.pk).check_password(NEW)
    assert client.get("/sign-in/").status_code == 200


def test_a_recovery_code_confirms_too_and_is_used_only_if_everything_else_is_right(keeper: User) -> None:
    client, (spare, *_) = verified(keeper)
    left = RecoveryCodes.objects.get().digests
    for wrong in ({"old_password": "wrong"}, {"new_password2": "another"}, {"old_password": ""}):
        client.post(OWN_PASSWORD, {**OWN_FORM, **wrong, "confirmation_code": spare})
    assert RecoveryCodes.objects.get().digests == left
    assert client.post(OWN_PASSWORD, {**OWN_FORM, "confirmation_code": spare}).status_code == 302
    assert len(RecoveryCodes.objects.get().digests) == len(left) - 1


def test_after_a_wrong_code_a_change_has_to_wait(keeper: User, settings: LazySettings) -> None:
    client, (spare, *_) = verified(keeper)
    del client.cookies[settings.KNOWN_BROWSER_COOKIE_NAME]  # in a known browser, the first five need not wait
    client.post(OWN_PASSWORD, {**OWN_FORM, "confirmation_code": "wrong-wrong-wrong"})
    refused = client.post(OWN_PASSWORD, {**OWN_FORM, "confirmation_code": spare})
    assert refused.status_code == 429
    assert refused["Retry-After"] == "1"
    assert password_of(keeper) == keeper.password


class TestGuessesInASession:
    """The old password cannot be guessed in a browser that was left open."""

    def test_after_five_guesses_the_right_password_is_refused_too(self, keeper: User) -> None:
        client, (spare, *_) = verified(keeper)
        guess = {**OWN_FORM, "old_password": "guess", "confirmation_code": spare}
        for _ in range(5):
            assert "The password is wrong." in client.post(OWN_PASSWORD, guess).content.decode()
        refused = client.post(OWN_PASSWORD, {**OWN_FORM, "confirmation_code": spare})
        assert refused.status_code == 429
        assert 0 < int(refused["Retry-After"]) <= 15 * 60
        assert "You entered the password too often. Wait " in refused.content.decode()
        assert password_of(keeper) == keeper.password

    def test_both_pages_and_all_sessions_of_a_person_share_the_limit(self, keeper: User) -> None:
        client, (spare, *_) = verified(keeper)
        for _ in range(5):
            client.get(ENROL)
            form = {"code": code(client.session["enrolling"]), "password": "guess", "confirmation_code": spare}
            client.post(ENROL, form)
        other = client_for(keeper)
        other.post(CODE, {"code": spare})
        assert other.post(OWN_PASSWORD, {**OWN_FORM, "confirmation_code": spare}).status_code == 429

    def test_others_and_the_sign_in_are_not_affected_and_the_limit_ends(self, keeper: User) -> None:
        client, (first, second, *_) = verified(keeper)
        for _ in range(6):
            client.post(OWN_PASSWORD, {**OWN_FORM, "old_password": "guess", "confirmation_code": first})
        assert Client().post(LOGIN, {"username": "keeper", "password": PASSWORD}).status_code == 302
        colleague, (code_of_colleague, *_) = verified(factories.staff(username="colleague"))
        form = {**OWN_FORM, "confirmation_code": code_of_colleague}
        assert colleague.post(OWN_PASSWORD, form).status_code == 302
        UseCount.objects.update(period=timezone.now() - timedelta(minutes=30))
        assert client.post(OWN_PASSWORD, {**OWN_FORM, "confirmation_code": second}).status_code == 302


class TestChangesByAnAdministrator:
    def test_setting_a_password_needs_a_code_of_the_administrator(self, administrator: User, keeper: User) -> None:
        client, (spare, *_) = verified(administrator)
        page = of(keeper, "password")
        form = {"password1": NEW, "password2": NEW, "usable_password": "true", "set-password": "Change password"}
        assert 'name="confirmation_code"' in client.get(page).content.decode()
        for given in ({}, {"confirmation_code": "000000"}):
            assert client.post(page, {**form, **given}).status_code == 200
            assert password_of(keeper) == keeper.password
        assert client.post(page, {**form, "confirmation_code": spare}).status_code == 302
        assert User.objects.get(pk=keeper.pk).check_password(NEW)

    def test_disabling_a_password_needs_a_code_too(self, administrator: User, keeper: User) -> None:
        client, (spare, *_) = verified(administrator)
        form = {"usable_password": "false", "unset-password": "Disable password-based authentication"}
        client.post(of(keeper, "password"), form)
        assert password_of(keeper) == keeper.password
        client.post(of(keeper, "password"), {**form, "confirmation_code": spare})
        assert not User.objects.get(pk=keeper.pk).has_usable_password()

    def test_a_reset_needs_a_code_of_the_administrator(self, administrator: User, keeper: User) -> None:
        client, (spare, *_) = verified(administrator)
        device = enrol_app(keeper)
        for given in ({}, {"confirmation_code": "000000"}, {"confirmation_code": ""}):
            answer = client.post(of(keeper, "reset-factor"), given)
            assert 'name="confirmation_code"' in answer.content.decode()
            assert TOTPDevice.objects.filter(pk=device.pk).exists()
        assert client.post(of(keeper, "reset-factor"), {"confirmation_code": spare}).status_code == 302
        assert not TOTPDevice.objects.filter(pk=device.pk).exists()

    def test_a_code_of_the_other_person_does_not_help(self, administrator: User, keeper: User) -> None:
        client, _ = verified(administrator)
        device = enrol_app(keeper)
        client.post(of(keeper, "reset-factor"), {"confirmation_code": code(device.key)})
        assert TOTPDevice.objects.filter(pk=device.pk).exists()

    @pytest.mark.parametrize("spelling", ["{}", "0{}", "%20{}"])  # the admin reads all as the same number
    def test_administrators_set_their_own_password_only_with_the_old_one(
        self, administrator: User, spelling: str
    ) -> None:
        client, (spare, *_) = verified(administrator)
        page = f"/admin/auth/user/{spelling.format(administrator.pk)}/password/"
        form = {"password1": NEW, "password2": NEW, "usable_password": "true", "confirmation_code": spare}
        assert client.get(page)["Location"] == OWN_PASSWORD
        assert client.post(page, form)["Location"] == OWN_PASSWORD
        assert password_of(administrator) == administrator.password

    def test_administrators_reset_their_own_factor_only_with_a_code(self, administrator: User) -> None:
        client, _ = verified(administrator)
        client.post(of(administrator, "reset-factor"))
        assert TOTPDevice.objects.filter(user=administrator).exists()


def test_people_without_an_app_change_their_password_without_a_code(keeper: User, settings: LazySettings) -> None:
    settings.SECOND_FACTOR = False
    client = client_for(keeper)
    assert "confirmation_code" not in client.get(OWN_PASSWORD).content.decode()
    assert client.post(OWN_PASSWORD, OWN_FORM).status_code == 302
