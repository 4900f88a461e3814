import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django_otp.plugins.otp_totp.models import TOTPDevice

from healthtrack.accounts.models import RecoveryCodes, Session
from tests.support import factories
from tests.support.signing_in import enrolled, signed_in

pytestmark = pytest.mark.django_db


def test_it_takes_the_second_factor_of_one_person_away(keeper: User, capsys: pytest.CaptureFixture[str]) -> None:
    other = enrolled(factories.staff(username="other"))
    enrolled(keeper)
    RecoveryCodes.renew(keeper)
    signed_in(keeper)
    call_command("reset_second_factor", "keeper")
    assert capsys.readouterr().out == "keeper sets a second factor up anew at the next sign-in.\n"
    assert TOTPDevice.objects.get() == other
    assert not RecoveryCodes.objects.exists()
    assert not Session.objects.exists()


def test_a_name_that_nobody_has_is_told() -> None:
    with pytest.raises(CommandError, match=r"There is no user nobody\."):
        call_command("reset_second_factor", "nobody")
