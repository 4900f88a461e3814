import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django_otp.plugins.otp_totp.models import TOTPDevice

from healthtrack.accounts.models import RecoveryCodes, Session
from tests.support import factories
from tests.support.signing_in import client_for, enrol_app

pytestmark = pytest.mark.django_db


def test_the_command_resets_the_second_factor_of_one_user(keeper: User, capsys: pytest.CaptureFixture[str]) -> None:
    other = enrol_app(factories.staff(username="other"))
    enrol_app(keeper)
    RecoveryCodes.renew(keeper)
    client_for(keeper)
    call_command("reset_second_factor", "keeper")
    assert (
        capsys.readouterr().out == "Two-factor authentication was reset: keeper sets it up again at the next sign-in.\n"
    )
    assert TOTPDevice.objects.get() == other
    assert not RecoveryCodes.objects.exists()
    assert not Session.objects.exists()


def test_an_unknown_user_name_is_an_error() -> None:
    with pytest.raises(CommandError, match=r"There is no user nobody\."):
        call_command("reset_second_factor", "nobody")
