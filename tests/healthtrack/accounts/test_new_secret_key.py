"""A new secret key does not silently invalidate recovery codes."""

import html
import io

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.utils.crypto import salted_hmac

from healthtrack.accounts.models import CODES, AuthenticatorApp, RecoveryCodes
from healthtrack.accounts.recovery_digests import get_key_id
from tests.support.signing_in import client_for, code, enrol_app

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("second_factor_needed")]

CODE, OWN = "/sign-in/code/", "/sign-in/"
NEW_KEY = "another secret key"


@pytest.fixture
def old_codes(keeper: User) -> list[str]:
    """Return recovery codes of the keeper as versions before 0.2.0 made them: their digests need the secret key."""
    enrol_app(keeper)
    codes = [f"abcde-fghij-kmnp{letter}" for letter in "abcdefghij"]
    RecoveryCodes.objects.create(
        user=keeper,
        name="recovery codes",
        digests=[old_digest(keeper, letters) for letters in codes],
        secret_key_id=get_key_id(),
    )
    return codes


def old_digest(person: User, letters: str) -> str:
    salt = f"healthtrack.signin.recovery.{person.pk}"
    return salted_hmac(salt, letters.replace("-", ""), algorithm="sha256").hexdigest()


def sign_in(person: User, given: str) -> Client | None:
    client = client_for(person)
    return client if client.post(CODE, {"code": given}).status_code == 302 else None


def own_page(client: Client | None) -> str:
    assert client
    return " ".join(html.unescape(client.get(OWN).content.decode()).split())


def test_recovery_codes_work_with_another_secret_key(keeper: User, settings: LazySettings) -> None:
    enrol_app(keeper)
    first, second, *_ = RecoveryCodes.renew(keeper)
    assert sign_in(keeper, first)
    settings.SECRET_KEY = NEW_KEY
    page = own_page(sign_in(keeper, second))
    assert f"You have {CODES - 2} recovery codes left" in page
    assert "no longer work" not in page


def test_codes_of_earlier_versions_work_while_their_key_is_a_fallback(
    keeper: User, old_codes: list[str], settings: LazySettings
) -> None:
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = NEW_KEY
    page = own_page(sign_in(keeper, old_codes[0]))
    assert f"You have {CODES - 1} recovery codes left" in page
    assert "no longer work" not in page
    assert not sign_in(keeper, old_codes[0])


def test_codes_of_earlier_versions_whose_key_is_gone_are_not_counted_and_the_page_says_so(
    keeper: User, old_codes: list[str], settings: LazySettings
) -> None:
    client = sign_in(keeper, old_codes[0])
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = NEW_KEY
    assert "no longer work" not in own_page(client)
    settings.SECRET_KEY_FALLBACKS = []
    assert not sign_in(keeper, old_codes[1])
    client = sign_in(keeper, code(AuthenticatorApp.objects.get().key))
    page = own_page(client)
    assert "You have 0 recovery codes left" in page
    assert "Your recovery codes no longer work, because HealthTrack got a new secret key." in page
    RecoveryCodes.renew(keeper)
    assert "no longer work" not in own_page(client)


def test_after_the_update_a_command_stores_on_which_key_the_codes_depend(
    keeper: User, old_codes: list[str], settings: LazySettings
) -> None:
    RecoveryCodes.objects.update(secret_key_id="unknown")
    assert f"You have {CODES} recovery codes left" in own_page(
        sign_in(keeper, code(AuthenticatorApp.objects.get().key))
    )
    call_command("rotate_keys", stdout=io.StringIO())
    assert RecoveryCodes.objects.get().secret_key_id == get_key_id()
    settings.SECRET_KEY = NEW_KEY
    assert RecoveryCodes.objects.get().usable_count == 0
    assert not sign_in(keeper, old_codes[0])


def test_sessions_stay_valid_while_their_key_is_a_fallback(keeper: User, settings: LazySettings) -> None:
    settings.SECOND_FACTOR = False
    in_use, unused = client_for(keeper), client_for(keeper)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = NEW_KEY
    assert in_use.get(OWN).status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert in_use.get(OWN).status_code == 200  # signed with the new key since
    assert unused.get(OWN).status_code == 302
