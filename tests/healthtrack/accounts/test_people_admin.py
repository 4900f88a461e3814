"""Administrators end the sessions of users and reset their two-factor authentication."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice

from healthtrack.accounts.models import RecoveryCodes, Session
from healthtrack.audit.models import Change
from tests.support import factories
from tests.support.signing_in import client_for, enrol_app

pytestmark = pytest.mark.django_db

USERS = "/admin/auth/user/"
PERMISSIONS = ("auth.view_user", "auth.change_user", "patients.view_medicalrecord")  # the last as the keeper
ACTIONS = pytest.mark.parametrize("action", ["end-sessions", "reset-factor"])


@pytest.fixture
def administrator() -> Client:
    return client_for(factories.staff(*PERMISSIONS, username="administrator"))


def recorded_by(client: Client) -> list[tuple[str, str, str | None]]:
    """Return what the history says that the client's person did: table, action and account."""
    found = Change.objects.filter(person=client.session["_auth_user_id"]).order_by("change_id")
    return list(found.values_list("table_name", "action", "row_name"))


@ACTIONS
def test_the_page_of_a_user_leads_to_the_action_which_asks_first(
    administrator: Client, keeper: User, action: str
) -> None:
    enrol_app(keeper)
    client = client_for(keeper)
    address = f"{USERS}{keeper.pk}/{action}/"
    assert f'href="{address}"' in administrator.get(f"{USERS}{keeper.pk}/change/").content.decode()
    page = administrator.get(address).content.decode()
    assert 'class="destructive"' in page
    assert "Cancel" in page
    assert Session.objects.filter(pk=client.session.session_key).exists()
    assert TOTPDevice.objects.exists()


def test_an_administrator_signs_a_user_out_everywhere(administrator: Client, keeper: User) -> None:
    client = client_for(keeper)
    answer = administrator.post(f"{USERS}{keeper.pk}/end-sessions/", follow=True)
    assert "Signed out everywhere: keeper." in answer.content.decode()
    assert client.get("/")["Location"].endswith("ended=over")
    assert recorded_by(administrator) == [("sessions", "delete", "keeper")]


def test_a_reset_removes_the_app_the_recovery_codes_and_the_sessions(administrator: Client, keeper: User) -> None:
    enrol_app(keeper)
    RecoveryCodes.renew(keeper)
    client_for(keeper)
    administrator.post(f"{USERS}{keeper.pk}/reset-factor/")
    assert not TOTPDevice.objects.exists()
    assert not RecoveryCodes.objects.exists()
    assert not Session.objects.filter(user=keeper).exists()
    assert recorded_by(administrator) == [
        ("otp_totp_totpdevice", "delete", "keeper"),
        ("recovery_codes", "delete", "keeper"),
        ("sessions", "delete", "keeper"),
    ]


@ACTIONS
def test_people_without_the_permission_are_refused(keeper: User, action: str) -> None:
    address = f"{USERS}{keeper.pk}/{action}/"
    assert Client().post(address).status_code == 302
    viewer = client_for(factories.staff("auth.view_user", username="viewer"))
    assert viewer.post(address).status_code == 403
    assert action not in viewer.get(f"{USERS}{keeper.pk}/change/").content.decode()


@ACTIONS
def test_only_a_superuser_may_reset_another_superuser(administrator: Client, action: str) -> None:
    root = User.objects.create_superuser("root")
    address = f"{USERS}{root.pk}/{action}/"
    assert administrator.post(address).status_code == 403
    assert action not in administrator.get(f"{USERS}{root.pk}/change/").content.decode()
    assert client_for(User.objects.create_superuser("other")).post(address).status_code == 302


@ACTIONS
def test_the_actions_need_an_existing_user(administrator: Client, action: str) -> None:
    assert administrator.get(f"{USERS}999/{action}/").status_code == 404
    assert administrator.post(f"{USERS}999/{action}/").status_code == 404


def test_administrators_who_sign_themselves_out_have_to_sign_in_again(administrator: Client) -> None:
    own = User.objects.get(username="administrator").pk
    assert administrator.post(f"{USERS}{own}/end-sessions/")["Location"] == "/admin/login/"
