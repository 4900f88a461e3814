"""The keys of authenticator apps are encrypted with keys outside of the database."""

import html
import io
import re
import secrets

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice

from healthtrack.accounts import app_keys
from healthtrack.accounts.app_keys import UnreadableKeyError
from healthtrack.accounts.models import AuthenticatorApp, RecoveryCodes
from healthtrack.operations.checks import check_keys_of_apps
from tests.support import factories
from tests.support.signing_in import client_for, code, decrypted, enrol_app

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("second_factor_needed")]

CODE, ENROL = "/sign-in/code/", "/sign-in/enrol/"
OLD, NEW = "0d" * 32, "1e" * 32
LOST = "HealthTrack cannot check the codes of your app, because the server lacks a key. Enter one of your recovery"


def page(client: Client, given: str) -> str:
    return html.unescape(client.post(CODE, {"code": given}).content.decode())


def lets_in(person: User, given: str) -> bool:
    return client_for(person).post(CODE, {"code": given}).status_code == 302


def rotate() -> str:
    output = io.StringIO()
    call_command("rotate_keys", stdout=output)
    return output.getvalue()


def make_plain(app: AuthenticatorApp) -> bytes:
    """Store the key of the app as versions before 0.2.0 did, and return it."""
    key = app.bin_key
    TOTPDevice.objects.filter(pk=app.pk).update(key=key.hex(), last_t=-1)
    return key


def warnings() -> list[str]:
    return [warning.msg for warning in check_keys_of_apps(databases=["default"])]


def test_no_key_of_an_app_is_in_the_database_while_it_is_set_up_or_later(keeper: User) -> None:
    client = client_for(keeper)
    client.get(ENROL)
    key = decrypted(client.session["enrolling"])
    shown = code(client.session["enrolling"])
    for table in ("sessions", "otp_totp_totpdevice"):
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {table}::text FROM {table}")
            rows = str(cursor.fetchall())
        assert key.hex() not in rows
    assert key.hex() not in str(dict(client.session))
    assert "You will not see them again" in client.post(ENROL, {"code": shown}).content.decode()
    stored = TOTPDevice.objects.get().key
    assert key.hex() not in stored
    assert app_keys.decrypt(stored, keeper.pk) == key


def test_a_key_is_encrypted_differently_each_time_and_fits_the_column(keeper: User) -> None:
    key = secrets.token_bytes(20)
    stored = {app_keys.encrypt(key, keeper.pk) for _ in range(3)}
    assert len(stored) == 3
    assert max(map(len, stored)) <= 80
    assert {app_keys.decrypt(text, keeper.pk) for text in stored} == {key}


def test_a_key_that_is_copied_to_the_row_of_another_account_opens_nothing(keeper: User) -> None:
    thief = factories.staff(username="thief")
    own = enrol_app(thief)
    enrol_app(keeper)
    TOTPDevice.objects.filter(user=keeper).update(key=own.key)
    assert LOST in page(client_for(keeper), code(own.key))


@pytest.mark.parametrize("stored", ["aes:", "aes:!", "aes:AAAA", f"aes:{64 * 'A'}", "aes:\u00e9"])
def test_a_damaged_key_cannot_be_read(keeper: User, stored: str) -> None:
    with pytest.raises(UnreadableKeyError):
        app_keys.decrypt(stored, keeper.pk)


def test_a_key_that_an_earlier_version_stored_works_until_it_is_encrypted_and_afterwards(keeper: User) -> None:
    app = enrol_app(keeper)
    plain = make_plain(app).hex()
    assert lets_in(keeper, code(plain))
    assert warnings() == ["The keys of 1 authenticator app are not encrypted. Run `manage.py rotate_keys`."]
    assert rotate() == "Keys of authenticator apps: 1 encrypted with the newest key, 0 were so already.\n"
    assert plain not in TOTPDevice.objects.get().key
    TOTPDevice.objects.update(last_t=-1)
    assert lets_in(keeper, code(plain))
    assert warnings() == []
    assert rotate() == "Keys of authenticator apps: 0 encrypted with the newest key, 1 were so already.\n"


def test_a_new_key_replaces_the_old_one_and_nobody_is_locked_out(keeper: User, settings: LazySettings) -> None:
    settings.TOTP_KEYS = (OLD,)
    shown = code(enrol_app(keeper).key)
    settings.TOTP_KEYS = (NEW, OLD)
    assert "1 encrypted with the newest key" in rotate()
    settings.TOTP_KEYS = (NEW,)
    assert lets_in(keeper, shown)


def test_encrypting_again_costs_few_queries(django_assert_max_num_queries: object) -> None:
    for number in range(20):
        make_plain(enrol_app(factories.staff(username=f"person{number}")))
    with django_assert_max_num_queries(6):  # type: ignore[operator]  # a fixture of pytest-django
        rotate()


class TestALostKey:
    @pytest.fixture(autouse=True)
    def lost(self, keeper: User, settings: LazySettings) -> str:
        """Lose the key that encrypted the app of the keeper, and return the code of the app."""
        settings.TOTP_KEYS = (OLD,)
        shown = code(enrol_app(keeper).key)
        settings.TOTP_KEYS = (NEW,)
        return shown

    def test_the_sign_in_says_what_to_do_and_the_log_what_is_wrong(
        self, keeper: User, lost: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert LOST in page(client_for(keeper), lost)
        assert "HEALTHTRACK_TOTP_KEYS lacks a key" in caplog.text
        assert lost not in caplog.text

    def test_no_attempt_is_counted(self, keeper: User, lost: str) -> None:
        for _ in range(3):
            assert LOST in page(client_for(keeper), lost)
        assert TOTPDevice.objects.get().throttling_failure_count == 0

    def test_a_recovery_code_opens_the_page(self, keeper: User) -> None:
        first, *_ = RecoveryCodes.renew(keeper)
        assert lets_in(keeper, first)

    def test_after_a_reset_the_person_sets_up_an_app_again(self, keeper: User) -> None:
        call_command("reset_second_factor", "keeper", stdout=io.StringIO())
        client = client_for(keeper)
        client.get(ENROL)
        answer = client.post(ENROL, {"code": code(client.session["enrolling"])})
        assert "You will not see them again" in answer.content.decode()

    def test_the_check_and_the_command_say_whose_it_is_and_what_to_do(self) -> None:
        (warning,) = warnings()
        assert warning.startswith("The keys of 1 authenticator app cannot be decrypted")
        assert "`manage.py reset_second_factor USERNAME`" in warning
        with pytest.raises(CommandError, match=r"decrypts the apps of these accounts: keeper\. Add"):
            rotate()

    def test_other_apps_are_encrypted_all_the_same(self) -> None:
        plain = make_plain(enrol_app(factories.staff(username="other"))).hex()
        with pytest.raises(CommandError):
            rotate()
        assert plain not in str(list(TOTPDevice.objects.values_list("key", flat=True)))

    def test_an_app_that_was_being_set_up_begins_again(self, keeper: User, settings: LazySettings) -> None:
        settings.TOTP_KEYS = (OLD,)
        TOTPDevice.objects.all().delete()
        client = client_for(keeper)
        client.get(ENROL)
        before = client.session["enrolling"]
        settings.TOTP_KEYS = (NEW,)
        assert re.search(r"([A-Z2-7]{4} ){7}[A-Z2-7]{4}", client.get(ENROL).content.decode())
        assert client.session["enrolling"] != before
