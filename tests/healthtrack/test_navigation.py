import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client
from django.urls import reverse

from healthtrack.core.navigation import Link, get_links
from healthtrack.roles.table import ROLES, TOTALS
from tests.support import factories
from tests.support.page import Page
from tests.support.signing_in import SignIn

EVERYTHING = {permission for role in ROLES for permission in role.permissions}


def labels(sections: list[Link]) -> list[str]:
    return [link.label for link in sections]


def current(sections: list[Link]) -> list[tuple[str, str]]:
    return [(link.label, link.current) for section in sections for link in (section, *section.entries) if link.current]


@pytest.mark.django_db
class TestVisibility:
    def test_a_person_with_all_permissions_sees_every_section(self) -> None:
        sections = labels(get_links(factories.staff(*EVERYTHING), "/"))
        assert sections == ["Home", "Records", "Trackers", "Imports", "Reports", "Administration"]

    def test_a_person_without_permissions_sees_only_home(self) -> None:
        assert labels(get_links(factories.staff(), "/")) == ["Home"]

    def test_an_analyst_sees_the_reports_without_patients(self) -> None:
        _, reports = get_links(factories.staff(*TOTALS.permissions), "/")
        assert labels(list(reports.entries)) == [
            *("By age group", "By brand", "By condition", "Data quality", "Over time", "Two periods"),
        ]

    def test_a_section_without_a_page_links_to_its_first_visible_entry(self) -> None:
        _, trackers = get_links(factories.staff("trackers.view_fitnesstracker"), "/")
        assert trackers.address == reverse("admin:trackers_fitnesstracker_changelist")

    def test_importing_is_shown_only_with_the_permission_to_view(self) -> None:
        assert labels(get_links(factories.staff("patients.import_medicalrecord"), "/")) == ["Home"]

    @pytest.mark.parametrize(
        ("permissions", "entries"),
        [
            (["imports.view_importrun"], ["All imports"]),
            (
                ["trackers.import_trackermodel", "trackers.view_trackermodel"],
                ["All imports", "Upload a file", "Profiles"],
            ),
        ],
    )
    def test_all_imports_are_shown_to_people_who_may_import_or_view_them(
        self, permissions: list[str], entries: list[str]
    ) -> None:
        *_, imports = get_links(factories.staff(*permissions), "/")
        assert labels(list(imports.entries)) == entries

    def test_every_entry_links_to_a_page_that_opens(self, sign_in: SignIn) -> None:
        steward = sign_in(*EVERYTHING)
        for section in get_links(factories.staff(*EVERYTHING, username="another"), "/"):
            for link in (section, *section.entries):
                assert steward.get(link.address, follow=True).status_code == 200


@pytest.mark.django_db
class TestCurrentPage:
    @pytest.mark.parametrize(
        ("page", "marked"),
        [
            ("/", [("Home", "page")]),
            ("/admin/patients/medicalrecord/", [("Records", "page"), ("Records", "page")]),
            ("/admin/patients/medicalrecord/P1/change/", [("Records", "true"), ("Records", "true")]),
            (
                "/admin/imports/importrun/upload/patients.medicalrecord/",
                [("Imports", "true"), ("Upload a file", "true")],
            ),
            ("/admin/imports/importrun/7/change/", [("Imports", "true"), ("All imports", "true")]),
            ("/admin/trackers/fitnesstracker/3/history/", [("Trackers", "true"), ("Variants", "true")]),
            ("/admin/tracker-names/resolve/", [("Trackers", "true"), ("Tracker names", "true")]),
            ("/reports/", [("Reports", "page")]),
            ("/reports/brands/", [("Reports", "true"), ("By brand", "page")]),
            ("/nowhere/", []),
        ],
    )
    def test_the_section_and_the_entry_of_a_page_are_marked(self, page: str, marked: list[tuple[str, str]]) -> None:
        assert current(get_links(factories.staff(*EVERYTHING), page)) == marked


def test_a_person_who_is_not_signed_in_sees_only_home() -> None:
    assert labels(get_links(AnonymousUser(), "/")) == ["Home"]


def test_the_page_marks_the_current_entry(sign_in: SignIn) -> None:
    page = sign_in("trackers.view_trackermodel", "trackers.view_fitnesstracker").get("/admin/trackers/fitnesstracker/")
    assert '<a href="/admin/trackers/fitnesstracker/" aria-current="page">Variants</a>' in page.content.decode()


@pytest.mark.django_db
def test_the_sign_in_page_shows_no_navigation() -> None:
    assert "<nav" not in Client().get("/admin/login/").content.decode()


BREADCRUMBS = {
    "/admin/patients/medicalrecord/": [],
    "/reports/brands/": [],
    "/admin/accesses/": [],
    "/admin/patients/medicalrecord/export/": ["Home", "Records", "Export"],
    "/admin/trackers/fitnesstracker/export/": ["Home", "Trackers", "Variants", "Export"],
    "/admin/trackers/missingmodel/": ["Home", "Missing tracker models"],
    "/admin/auth/user/add/": ["Home", "Administration", "Add user"],
    "/reports/views/": ["Home", "Saved views"],
    "/reports/views/save/?of=/reports/brands/": ["Home", "Saved views", "Save this view"],
    "/sign-in/": ["Home", "Account security"],
    "/admin/password_change/": ["Home", "Password change"],
}


@pytest.mark.parametrize("address", BREADCRUMBS)
def test_breadcrumbs_name_the_section_of_pages_that_no_menu_has(sign_in: SignIn, address: str) -> None:
    page = Page.get(sign_in(*EVERYTHING), address)
    assert page.texts(".breadcrumbs > *") == BREADCRUMBS[address]


def test_the_page_of_an_action_names_its_list_above(sign_in: SignIn) -> None:
    factories.medical_record("P1")
    chosen = {"action": "delete_records", "_selected_action": "P1"}
    page = Page.of(sign_in(*EVERYTHING).post("/admin/patients/medicalrecord/", chosen))
    assert page.texts(".breadcrumbs > *") == ["Home", "Records", "Delete the records"]
    assert not page.all(".section-navigation")


def test_pages_of_the_account_belong_to_no_section(sign_in: SignIn) -> None:
    for address in ("/admin/password_change/", "/reports/views/", "/sign-in/"):
        assert not Page.get(sign_in(*EVERYTHING), address).all("nav [aria-current]:not(.breadcrumbs *)")


def test_a_page_below_another_one_shows_breadcrumbs_instead_of_the_pages_of_the_section(sign_in: SignIn) -> None:
    client = sign_in(*EVERYTHING)
    assert Page.get(client, "/admin/trackers/fitnesstracker/").all(".section-navigation")
    assert not Page.get(client, "/admin/trackers/fitnesstracker/export/").all(".section-navigation")
