"""The pages of users and groups: nobody can give permissions that they do not have."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.http import HttpResponse
from django.test import Client
from django.utils.html import escape
from pytest_django import DjangoAssertNumQueries

from healthtrack.roles.table import ROLES
from tests.support import factories
from tests.support.role_holders import make_person

PEOPLE = "/admin/auth/user/"
GROUPS = "/admin/auth/group/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator() -> User:
    return make_person("Administrator")


@pytest.fixture
def office(administrator: User) -> Client:
    """The administrator's browser."""
    client = Client()
    client.force_login(administrator)
    return client


def saved(client: Client, person: User, **values: Any) -> HttpResponse:
    filled = {"username": person.username, "is_active": "on", "is_staff": "on", **values}
    moments = {f"{name}_{part}": "" for name in ("last_login",) for part in "01"}
    joined = {"date_joined_0": "2025-03-01", "date_joined_1": "08:00:00"}
    address = f"{PEOPLE}{person.pk}/change/"
    return client.post(address, {**moments, **joined, **filled})  # type: ignore[return-value]  # the test client returns a response


def roles_of(person: User) -> list[str]:
    return sorted(person.groups.values_list("name", flat=True))


def role(name: str) -> int:
    return Group.objects.get(name=name).pk


class TestAdministratorWithoutSuperuserStatus:
    def test_assigns_and_removes_roles(self, office: Client) -> None:
        person = factories.staff()
        assert saved(office, person, groups=[role("Analyst"), role("Data steward")]).status_code == 302
        assert roles_of(person) == ["Analyst", "Data steward"]
        saved(office, person, groups=[role("Viewer")])
        assert roles_of(person) == ["Viewer"]

    def test_adds_users_with_roles_on_one_page(self, office: Client) -> None:
        form = {"username": "grace", "first_name": "Grace", "last_name": "Hopper", "email": "grace@hospital.example"}
        answer = office.post(f"{PEOPLE}add/", {**form, "groups": [role("Analyst")]})
        assert "Sign-in link for grace" in answer.content.decode()
        grace = User.objects.get(username="grace")
        assert (grace.is_staff, grace.get_full_name(), grace.email) == (True, "Grace Hopper", "grace@hospital.example")
        assert roles_of(grace) == ["Analyst"]
        assert not grace.has_usable_password()

    def test_reads_beside_each_role_what_it_is_for(self, office: Client) -> None:
        page = office.get(f"{PEOPLE}add/").content.decode()
        for each in ROLES:
            assert escape(each.description) in page

    def test_adds_nobody_with_a_role_beyond_their_own(self, office: Client) -> None:
        beyond = Group.objects.create(name="Makers of groups")
        beyond.permissions.add(Permission.objects.get(codename="add_group"))
        answer = office.post(f"{PEOPLE}add/", {"username": "grace", "groups": [beyond.pk]})
        assert "not one of the available choices" in answer.content.decode()
        assert not User.objects.filter(username="grace").exists()

    def test_cannot_change_their_own_roles_and_reads_who_can(self, office: Client, administrator: User) -> None:
        page = office.get(f"{PEOPLE}{administrator.pk}/change/").content.decode()
        assert "Ask another administrator." in page
        assert 'name="groups"' not in page
        assert saved(office, administrator, first_name="Ada", groups=[]).status_code == 302
        assert roles_of(administrator) == ["Administrator"]
        assert office.get(PEOPLE).status_code == 200

    def test_cannot_make_a_user_a_superuser(self, office: Client) -> None:
        person = factories.staff()
        assert "is_superuser" not in office.get(f"{PEOPLE}{person.pk}/change/").content.decode()
        assert saved(office, person, is_superuser="on").status_code == 302
        person.refresh_from_db()
        assert not person.is_superuser

    def test_cannot_become_a_superuser(self, office: Client, administrator: User) -> None:
        saved(office, administrator, is_superuser="on", groups=[role("Administrator")])
        administrator.refresh_from_db()
        assert not administrator.is_superuser

    def test_cannot_give_single_permissions(self, office: Client) -> None:
        person = factories.staff()
        permission = Permission.objects.get(codename="add_group")
        assert saved(office, person, user_permissions=[permission.pk]).status_code == 302
        assert not person.user_permissions.exists()

    def test_cannot_assign_a_group_with_permissions_that_they_lack(self, office: Client) -> None:
        beyond = Group.objects.create(name="Makers of groups")
        beyond.permissions.add(Permission.objects.get(codename="add_group"))
        person = factories.staff()
        answer = saved(office, person, groups=[beyond.pk])
        assert answer.status_code == 200
        assert "not one of the available choices" in answer.content.decode()
        assert roles_of(person) == []

    @pytest.mark.parametrize("page", ["change/", "password/", "deactivate/", "activate/"])
    def test_cannot_edit_a_superuser(self, office: Client, page: str) -> None:
        above = User.objects.create_superuser("root")
        assert office.post(f"{PEOPLE}{above.pk}/{page}", {"post": "yes"}).status_code == 403
        above.refresh_from_db()
        assert above.is_superuser

    @pytest.mark.parametrize("is_active", [True, False])
    def test_cannot_set_the_password_of_a_user_with_more_permissions(self, office: Client, is_active: bool) -> None:
        above = factories.staff("auth.add_group")
        User.objects.filter(pk=above.pk).update(is_active=is_active)
        assert office.get(f"{PEOPLE}{above.pk}/password/").status_code == 403

    def test_cannot_delete_an_account(self, office: Client) -> None:
        person = factories.staff()
        form = {"action": "delete_selected", "_selected_action": [person.pk], "post": "yes", "index": "0"}
        office.post(PEOPLE, form)
        office.post(f"{PEOPLE}{person.pk}/delete/", {"post": "yes"}, follow=True)
        assert User.objects.filter(pk=person.pk).exists()

    def test_cannot_edit_groups(self, office: Client) -> None:
        assert office.get(GROUPS)["Location"] == "/roles/"
        assert office.post(f"{GROUPS}add/", {"name": "Mine"}).status_code == 403
        assert office.post(f"{GROUPS}{role('Viewer')}/change/", {"name": "Viewer"}).status_code == 403


class TestSuperuser:
    @pytest.fixture
    def root(self) -> Client:
        client = Client()
        client.force_login(User.objects.create_superuser("root"))
        return client

    def test_can_make_a_user_a_superuser(self, root: Client) -> None:
        person = factories.staff()
        assert saved(root, person, is_superuser="on").status_code == 302
        person.refresh_from_db()
        assert person.is_superuser

    def test_can_edit_own_groups_but_no_roles(self, root: Client) -> None:
        assert root.post(f"{GROUPS}add/", {"name": "Night shift"}).status_code == 302
        assert root.post(f"{GROUPS}{role('Night shift')}/change/", {"name": "Day shift"}).status_code == 302
        assert root.post(f"{GROUPS}{role('Viewer')}/change/", {"name": "Seer"}).status_code == 403
        assert root.post(f"{GROUPS}{role('Viewer')}/delete/", {"post": "yes"}).status_code == 403


def test_permissions_of_emergency_access_cannot_be_given_to_others() -> None:
    person = make_person("In an emergency")
    person.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user"]))
    client = Client()
    client.force_login(person)
    other = factories.staff()
    assert saved(client, other, groups=[role("Viewer")]).status_code == 200
    assert roles_of(other) == []


def test_the_number_of_queries_does_not_depend_on_the_number_of_users(
    office: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        factories.staff(username=f"p{number}").groups.add(role("Viewer"), role("Analyst"))
    with django_assert_max_num_queries(12):
        words = office.get(PEOPLE).content.decode()
    assert "Analyst, Viewer" in words
