import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.test import Client
from django.utils.html import escape
from pytest_django import DjangoAssertNumQueries

from healthtrack.roles.groups import update_role_groups
from healthtrack.roles.table import ROLES, Role, emergency_permissions, rights
from healthtrack.roles.who_can import describe_who_can
from tests.support import factories
from tests.support.page import Page
from tests.support.report_pages import page
from tests.support.signing_in import AsRole, SignIn, client_for

PAGE = "/roles/"

pytestmark = pytest.mark.django_db


def existing_permissions() -> set[str]:
    pairs = Permission.objects.values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in pairs}


def held_by(name: str) -> set[str]:
    pairs = Permission.objects.filter(group__name=name).values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in pairs}


def test_every_permission_of_a_right_exists() -> None:
    named = {permission for right in rights() for permission in right.permissions}
    assert named - existing_permissions() == set()


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_migration_creates_each_role_with_its_permissions(role: Role) -> None:
    assert held_by(role.name) == role.permissions & existing_permissions()


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_right_of_a_role_is_on_the_page_of_roles(role: Role) -> None:
    assert set(role.rights) <= set(rights())


def test_only_an_administrator_has_every_right() -> None:
    assert [role.name for role in ROLES if set(role.rights) == set(rights())] == ["Administrator"]


def test_an_auditor_can_change_nothing() -> None:
    (auditor,) = (role for role in ROLES if role.name == "Auditor")
    assert all(".view_" in permission for permission in auditor.permissions)


def test_a_viewer_cannot_view_patients() -> None:
    (viewer,) = (role for role in ROLES if role.name == "Viewer")
    assert not viewer.permissions & {"reports.view_without_tracker", "patients.view_medicalrecord"}


def test_emergency_access_has_the_view_permissions_of_all_roles_and_no_others() -> None:
    viewable = {permission for role in ROLES for permission in role.permissions if ".view_" in permission}
    assert viewable == emergency_permissions()


def test_the_next_migration_restores_a_role_that_somebody_changed() -> None:
    viewer = Group.objects.get(name="Viewer")
    viewer.permissions.set(Permission.objects.filter(codename="delete_user"))
    Group.objects.get(name="Analyst").delete()
    call_command("migrate", verbosity=0)
    by_name = {role.name: role for role in ROLES}
    assert held_by("Viewer") == by_name["Viewer"].permissions
    assert held_by("Analyst") == by_name["Analyst"].permissions


def test_other_groups_are_not_changed() -> None:
    own = Group.objects.create(name="Night shift")
    own.permissions.set(Permission.objects.filter(codename="view_medicalrecord"))
    update_role_groups()
    assert held_by("Night shift") == {"patients.view_medicalrecord"}


def test_a_missing_permission_is_given_once_it_exists() -> None:
    share = Permission.objects.get(codename="share_savedview")
    kind = share.content_type
    share.delete()
    update_role_groups()
    assert "reports.share_savedview" not in held_by("Analyst")
    Permission.objects.create(content_type=kind, codename="share_savedview", name="Can share")
    update_role_groups()
    assert "reports.share_savedview" in held_by("Analyst")


def test_updating_the_groups_needs_few_queries(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_max_num_queries(8):
        update_role_groups()


class TestPage:
    def test_is_open_to_everybody_who_is_signed_in(self, sign_in: SignIn) -> None:
        assert "/login/" in Client().get(PAGE)["Location"]
        words = page(sign_in(), PAGE)
        assert "You have no role yet. Ask an administrator for one." in words
        assert "/admin/auth/user/" not in words

    def test_shows_everybody_their_own_roles_and_rights(self, as_role: AsRole) -> None:
        table = Page.get(as_role("Data steward"), PAGE)
        assert "Data steward" in table.texts(".lead")[0]
        own = [row.cssselect(".own")[0].text_content().strip() for row in table.all(".role-table tbody tr")]
        (steward,) = (role for role in ROLES if role.name == "Data steward")
        assert own == ["Yes" if right in steward.rights else "No" for right in rights()]

    def test_lists_the_roles_that_superusers_added(self, as_role: AsRole) -> None:
        Group.objects.create(name="Night shift")
        assert "Night shift" in page(as_role("Auditor"), PAGE)

    def test_offers_a_role_of_ones_own_to_superusers_only(self, as_role: AsRole) -> None:
        assert "Add a role" not in page(as_role("Administrator"), PAGE)
        assert "Add a role" in page(client_for(User.objects.create_superuser("root")), PAGE)

    def test_shows_what_each_role_can_do(self, sign_in: SignIn) -> None:
        words = page(sign_in("auth.view_user"), PAGE)
        for role in ROLES:
            assert f'<th scope="col">{role.name}</th>' in words
        for right in rights():
            assert f'<th scope="row">{escape(right.label)}</th>' in words
        row = words.partition("Undo an import</th>")[2].partition("</tr>")[0]
        shown = [">Yes<" in cell for cell in row.split("</td>")[1:-1]]
        assert shown == [name in {"Data steward", "Administrator"} for name in (role.name for role in ROLES)]

    def test_needs_few_queries(self, sign_in: SignIn, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
        client = sign_in("auth.view_user")
        with django_assert_max_num_queries(7):
            client.get(PAGE)


class TestWhoCan:
    @pytest.mark.parametrize(
        ("permission", "sentence"),
        [
            ("trackers.add_trackeralias", "a data steward or an administrator"),
            ("imports.view_importrun", "a data steward, an auditor or an administrator"),
            ("auth.add_user", "an administrator"),
        ],
    )
    def test_names_the_roles_that_have_a_permission(self, permission: str, sentence: str) -> None:
        assert describe_who_can(permission) == sentence

    def test_the_page_of_tracker_names_says_who_resolves_them(self, as_role: AsRole) -> None:
        words = page(as_role("Auditor"), "/admin/tracker-names/")
        assert "To resolve one, ask a data steward or an administrator." in words


class TestHoldersOfTheOldReportPermissions:
    OLD = {
        "view_aggregates": ["view_age_groups", "view_brands", "view_conditions", "view_data_quality"],
        "view_named_lists": ["view_without_tracker"],
    }

    def statements(self) -> list[str]:
        migration = MigrationLoader(None).disk_migrations["reports", "0004_a_permission_for_each_report"]
        return [operation.sql for operation in migration.operations if hasattr(operation, "sql")]

    def migrate(self) -> None:
        with connection.cursor() as cursor:
            for statement in self.statements():
                cursor.execute(statement)

    @pytest.mark.parametrize("old", OLD)
    def test_have_the_new_permissions_for_the_same_pages(self, old: str) -> None:
        kind = Permission.objects.get(codename="view_brands").content_type
        permission = Permission.objects.create(content_type=kind, codename=old, name="Old")
        Permission.objects.filter(content_type=kind, codename__in=self.OLD[old]).delete()
        person, group = factories.staff(), Group.objects.create(name="Readers")
        person.user_permissions.add(permission)
        group.permissions.add(permission)
        self.migrate()
        assert sorted(person.user_permissions.values_list("codename", flat=True)) == sorted(self.OLD[old])
        assert sorted(group.permissions.values_list("codename", flat=True)) == sorted(self.OLD[old])
        assert not Permission.objects.filter(codename=old).exists()
