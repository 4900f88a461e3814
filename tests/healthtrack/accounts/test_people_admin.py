"""An administrator ends somebody's sessions, and takes a lost second factor away."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice

from healthtrack.accounts.models import RecoveryCodes, Session
from tests.support import factories
from tests.support.signing_in import enrolled, signed_in

pytestmark = pytest.mark.django_db

USERS = "/admin/auth/user/"
PERMISSIONS = ("auth.view_user", "auth.change_user", "patients.view_medicalrecord")  # the last as the keeper
DEEDS = pytest.mark.parametrize("deed", ["end-sessions", "reset-factor"])


@pytest.fixture
def administrator() -> Client:
    return signed_in(factories.staff(*PERMISSIONS, username="administrator"))


def test_a_users_page_has_a_button_for_each(administrator: Client, keeper: User) -> None:
    page = administrator.get(f"{USERS}{keeper.pk}/change/").content.decode()
    assert f'action="{USERS}{keeper.pk}/end-sessions/"' in page
    assert f'action="{USERS}{keeper.pk}/reset-factor/"' in page


def test_sessions_are_ended(administrator: Client, keeper: User) -> None:
    client = signed_in(keeper)
    answer = administrator.post(f"{USERS}{keeper.pk}/end-sessions/", follow=True)
    assert "Signed out everywhere: keeper." in answer.content.decode()
    assert client.get("/")["Location"].endswith("ended=over")
    assert LogEntry.objects.get().change_message == "Signed out everywhere"


def test_a_second_factor_is_taken_away_with_its_recovery_codes_and_the_sessions(
    administrator: Client, keeper: User
) -> None:
    enrolled(keeper)
    RecoveryCodes.renew(keeper)
    signed_in(keeper)
    administrator.post(f"{USERS}{keeper.pk}/reset-factor/")
    assert not TOTPDevice.objects.exists()
    assert not RecoveryCodes.objects.exists()
    assert not Session.objects.filter(user=keeper).exists()
    assert LogEntry.objects.get().object_id == str(keeper.pk)


@DEEDS
def test_nobody_else_may(keeper: User, deed: str) -> None:
    address = f"{USERS}{keeper.pk}/{deed}/"
    assert Client().post(address).status_code == 302
    viewer = signed_in(factories.staff("auth.view_user", username="viewer"))
    assert viewer.post(address).status_code == 403
    assert deed not in viewer.get(f"{USERS}{keeper.pk}/change/").content.decode()


@DEEDS
def test_only_an_administrator_of_everything_may_with_another(administrator: Client, deed: str) -> None:
    root = User.objects.create_superuser("root")
    address = f"{USERS}{root.pk}/{deed}/"
    assert administrator.post(address).status_code == 403
    assert deed not in administrator.get(f"{USERS}{root.pk}/change/").content.decode()
    assert signed_in(User.objects.create_superuser("other")).post(address).status_code == 302


@DEEDS
def test_it_is_done_by_a_form_to_somebody_who_is_there(administrator: Client, keeper: User, deed: str) -> None:
    assert administrator.get(f"{USERS}{keeper.pk}/{deed}/").status_code == 405
    assert administrator.post(f"{USERS}999/{deed}/").status_code == 404


def test_who_does_it_to_oneself_signs_in_anew(administrator: Client) -> None:
    own = User.objects.get(username="administrator").pk
    assert administrator.post(f"{USERS}{own}/end-sessions/")["Location"] == "/admin/login/"
