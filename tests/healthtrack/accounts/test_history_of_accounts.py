"""Changes of accounts, roles, second factors and sessions have a history, with names and without secrets."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import CommandError, call_command
from django.db import Error, IntegrityError, transaction
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import DjangoAssertNumQueries

from healthtrack.accounts.models import RecoveryCodes, Session
from healthtrack.audit.account_names import AccountName
from healthtrack.audit.models import Change
from tests.support import factories
from tests.support.forms import form_with
from tests.support.page import Page
from tests.support.plain_sql import execute
from tests.support.role_holders import make_person
from tests.support.signing_in import PASSWORD, client_for, enrol_app

pytestmark = pytest.mark.django_db

USERS = "/admin/auth/user/"
NEW = "seven green umbrellas dancing"


@pytest.fixture
def office() -> Client:
    """Return the browser of an administrator."""
    return client_for(make_person("Administrator", "office"))


def recorded(table: str) -> list[tuple[str, str | None, dict[str, Any]]]:
    """Return the changes of a table: action, account or role, and fields."""
    found = Change.objects.filter(table_name=table).order_by("change_id")
    return list(found.values_list("action", "row_name", "fields"))


def history_of(client: Client, person: User) -> list[str]:
    return Page.get(client, f"{USERS}{person.pk}/history/").texts("tbody tr")


class TestWhatIsRecorded:
    def test_an_account_with_its_names_and_rights_but_no_password_and_no_last_sign_in(self, keeper: User) -> None:
        ((action, name, fields),) = recorded("auth_user")
        assert (action, name) == ("insert", "keeper")
        assert fields["username"] == [None, "keeper"]
        assert fields["password"] == [None, None]
        client_for(keeper)  # which sets the time of the last sign-in
        User.objects.update(is_superuser=True, first_name="Ada")
        User.objects.update(password="another hash")
        assert [fields for _, _, fields in recorded("auth_user")[1:]] == [
            {"first_name": ["", "Ada"], "is_superuser": [False, True]},
            {"password": [None, None]},
        ]

    def test_roles_and_permissions_of_people_by_name(self, keeper: User) -> None:
        keeper.groups.add(Group.objects.get(name="Administrator"))
        keeper.user_permissions.add(Permission.objects.get(codename="view_group"))
        keeper.groups.clear()
        assert recorded("auth_user_groups") == [
            ("insert", "keeper", {"group_id": [None, "Administrator"]}),
            ("delete", "keeper", {"group_id": ["Administrator", None]}),
        ]
        *_, last = recorded("auth_user_user_permissions")
        assert last == ("insert", "keeper", {"permission_id": [None, "Can view group (auth.view_group)"]})

    def test_a_role_that_sql_moves_to_somebody_else(self, keeper: User) -> None:
        keeper.groups.add(Group.objects.get(name="Administrator"))
        other = factories.staff(username="other")
        execute("UPDATE auth_user_groups SET user_id = %s", other.pk)
        assert sorted(recorded("auth_user_groups")[1:], key=str) == [
            ("delete", "keeper", {"group_id": ["Administrator", None]}),
            ("insert", "other", {"group_id": [None, "Administrator"]}),
        ]

    def test_roles_and_their_permissions_by_name(self) -> None:
        group = Group.objects.create(name="Night shift")
        group.permissions.add(Permission.objects.get(codename="view_user"))
        group.name = "Day shift"
        group.save()
        group.delete()
        assert recorded("auth_group") == [
            ("insert", "Night shift", {"name": [None, "Night shift"]}),
            ("update", "Day shift", {"name": ["Night shift", "Day shift"]}),
            ("delete", "Day shift", {"name": ["Day shift", None]}),
        ]
        assert recorded("auth_group_permissions") == [
            ("insert", "Night shift", {"permission_id": [None, "Can view user (auth.view_user)"]}),
            ("delete", "Day shift", {"permission_id": ["Can view user (auth.view_user)", None]}),
        ]

    def test_second_factors_without_keys_and_codes(self, keeper: User) -> None:
        device = enrol_app(keeper)
        TOTPDevice.objects.update(last_t=5, throttling_failure_count=3)  # of each code that is checked
        code, *_ = RecoveryCodes.renew(keeper)
        RecoveryCodes.objects.get().verify_token(code)
        device.delete()
        app = {"name": [None, "app"], "confirmed": [None, True], "key": [None, None]}
        assert recorded("otp_totp_totpdevice")[0] == ("insert", "keeper", app)
        assert [action for action, _, _ in recorded("otp_totp_totpdevice")] == ["insert", "delete"]
        assert recorded("recovery_codes") == [
            ("insert", "keeper", {"digests": [None, 10]}),
            ("update", "keeper", {"digests": [10, 9]}),
        ]

    def test_sessions_that_somebody_else_ended(self, keeper: User, office: Client) -> None:
        own, *_ = client_for(keeper), client_for(keeper)
        own.post("/sign-in/everywhere/")
        assert recorded("sessions") == []
        client_for(keeper)
        office.post(f"{USERS}{keeper.pk}/end-sessions/")
        ((action, name, fields),) = recorded("sessions")
        assert (action, name, list(fields)) == ("delete", "keeper", ["began_at"])

    def test_a_session_that_ends_by_itself_is_not_recorded(self, keeper: User) -> None:
        client = client_for(keeper)
        execute("UPDATE sessions SET active_at = now() - interval '1 day'")
        assert "ended=idle" in client.get("/")["Location"]
        assert not Session.objects.exists()
        assert recorded("sessions") == []


class TestPages:
    def test_the_history_of_a_person_names_roles_resets_and_administrators(self, keeper: User, office: Client) -> None:
        enrol_app(keeper)
        client_for(keeper)
        form = form_with(office.get(f"{USERS}{keeper.pk}/change/"), "username")
        role = Group.objects.get(name="Record keeper")
        office.post(form.address, {**form.fields, "groups": [role.pk], "username": "innocent"})
        office.post(f"{USERS}{keeper.pk}/password/", {"password1": NEW, "password2": NEW, "usable_password": "true"})
        office.post(f"{USERS}{keeper.pk}/reset-factor/")
        shown = [line for line in history_of(office, keeper) if " office " in line]
        for line, words in zip(
            shown,
            (
                "Authenticator app of user innocent removed Name: was app In use: was Yes Key",
                "User innocent changed Password",
                "Session of user innocent removed Signed in: was ",
                "Role of user innocent added Role: became Record keeper",
                "User innocent changed Username: was keeper became innocent",
            ),
            strict=True,
        ):
            assert f" office {words}" in line
        assert "User keeper added" in history_of(office, keeper)[-1]

    def test_the_activity_log_shows_accounts_to_people_who_may_see_them(self, keeper: User) -> None:
        auditor, other = client_for(make_person("Auditor")), client_for(make_person("Data steward"))
        entry = f'<a href="{USERS}{keeper.pk}/history/">keeper</a>'
        assert entry in auditor.get("/admin/changes/").content.decode()
        assert entry not in other.get("/admin/changes/").content.decode()

    def test_the_history_of_a_role_lists_its_permissions(self, office: Client) -> None:
        group = Group.objects.create(name="Night shift")
        group.permissions.add(Permission.objects.get(codename="view_user"))
        lines = Page.get(office, f"/admin/auth/group/{group.pk}/history/").texts("tbody tr")
        assert "Permission of role Night shift added Permission: became Can view user (auth.view_user)" in lines[0]
        assert "Role Night shift added" in lines[1]

    def test_the_number_of_queries_does_not_depend_on_the_number_of_changes(
        self, keeper: User, office: Client, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        for number in range(30):
            keeper.groups.add(Group.objects.create(name=f"Ward {number}"))
        with django_assert_max_num_queries(12):
            assert len(history_of(office, keeper)) == 32

    def test_last_sign_in_and_date_of_joining_cannot_be_changed(self, keeper: User, office: Client) -> None:
        form = form_with(office.get(f"{USERS}{keeper.pk}/change/"), "username")
        old = {"last_login_0": "2020-01-01", "last_login_1": "00:00", "date_joined_0": "2019-01-01"}
        office.post(form.address, {**form.fields, **old, "date_joined_1": "00:00"})
        after = User.objects.get(pk=keeper.pk)
        assert (after.last_login, after.date_joined) == (keeper.last_login, keeper.date_joined)


class TestDeactivation:
    def test_a_deactivated_account_is_signed_out_and_can_be_activated_again(self, keeper: User, office: Client) -> None:
        client = client_for(keeper)
        page = f"{USERS}{keeper.pk}/deactivate/"
        assert "keeper is signed out everywhere" in office.get(page).content.decode()
        assert User.objects.get(pk=keeper.pk).is_active
        office.post(page)
        assert "ended=over" in client.get("/")["Location"]
        assert Client().login(username="keeper", password=PASSWORD) is False
        office.post(f"{USERS}{keeper.pk}/activate/")
        assert User.objects.get(pk=keeper.pk).is_active
        assert [fields for _, _, fields in recorded("auth_user")[-2:]] == [
            {"is_active": [True, False]},
            {"is_active": [False, True]},
        ]

    def test_nobody_deactivates_their_own_account(self, office: Client) -> None:
        own = User.objects.get(username="office")
        answer = office.post(f"{USERS}{own.pk}/deactivate/", follow=True)
        assert "You cannot deactivate your own account." in answer.content.decode()
        assert User.objects.get(pk=own.pk).is_active

    @pytest.mark.parametrize("sql", ["DELETE FROM auth_user", "TRUNCATE auth_user CASCADE"])
    def test_the_database_refuses_to_delete_accounts(self, keeper: User, sql: str) -> None:
        execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(Error, match="Accounts are deactivated and never deleted"), transaction.atomic():
            execute(sql)


class TestNames:
    @pytest.mark.parametrize("name", ["keeper", "Keeper", "\uff4beeper"])
    def test_a_name_that_another_account_had_is_refused(self, keeper: User, office: Client, name: str) -> None:
        User.objects.filter(pk=keeper.pk).update(username="former")
        form = {"username": name}
        answer = office.post(f"{USERS}add/", form)
        assert "Another account has or had the user name keeper." in answer.content.decode().replace(name, "keeper")
        with pytest.raises(IntegrityError, match="User names are not used again"), transaction.atomic():
            factories.staff(username=name)

    @pytest.mark.parametrize("name", ["k\u0435eper", "kee\u0440er", "keeper\u03bf"])
    def test_a_name_that_looks_like_another_by_letters_of_another_alphabet_is_refused(
        self, office: Client, name: str
    ) -> None:
        form = {"username": name}
        answer = office.post(f"{USERS}add/", form)
        assert "mixes letters of several alphabets" in answer.content.decode()
        assert not User.objects.filter(username=name).exists()

    @pytest.mark.parametrize("name", ["J\u00fcrgen.\u00d8", "\u0438\u0432\u0430\u043d1", "\u7530\u4e2d.yuki"])
    def test_a_name_in_any_one_alphabet_is_accepted(self, office: Client, name: str) -> None:
        form = {"username": name}
        assert office.post(f"{USERS}add/", form).status_code == 200
        assert User.objects.filter(username=name).exists()

    def test_an_account_may_get_its_own_former_name_again(self, keeper: User, office: Client) -> None:
        User.objects.filter(pk=keeper.pk).update(username="former")
        form = form_with(office.get(f"{USERS}{keeper.pk}/change/"), "username")
        assert office.post(form.address, {**form.fields, "username": "keeper"}).status_code == 302
        names = AccountName.objects.filter(account=keeper).order_by("name_id")
        assert list(names.values_list("name", flat=True)) == ["keeper", "former", "keeper"]


class TestCommands:
    def test_the_history_names_the_command_and_who_ran_it(self, keeper: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", NEW)
        monkeypatch.setattr("getpass.getpass", lambda *_, **__: NEW)
        enrol_app(keeper)
        call_command("createsuperuser", "--noinput", "--username=root", "--email=")
        call_command("changepassword", "keeper")
        call_command("reset_second_factor", "keeper")
        names = ("createsuperuser", "changepassword", "reset_second_factor")
        found = [Change.objects.filter(request__startswith=f"command {name} run by ") for name in names]
        assert [list(changes.values_list("table_name", "row_name")) for changes in found] == [
            [("auth_user", "root")],
            [("auth_user", "keeper")],
            [("otp_totp_totpdevice", "keeper")],
        ]
        auditor = client_for(make_person("Auditor"))
        assert "the command reset_second_factor run by" in history_of(auditor, keeper)[0]

    def test_a_name_that_is_used_already_is_an_error(self, keeper: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", NEW)
        User.objects.filter(pk=keeper.pk).update(username="former")
        with pytest.raises(CommandError, match="had the user name keeper"), transaction.atomic():
            call_command("createsuperuser", "--noinput", "--username=keeper", "--email=")
