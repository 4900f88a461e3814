import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client
from django.urls import reverse

from healthtrack.core.navigation import Link, get_links
from healthtrack.roles.table import ROLES, TOTALS
from tests.support import factories
from tests.support.signing_in import SignIn

EVERYTHING = {permission for role in ROLES for permission in role.permissions}


def labels(shown: list[Link]) -> list[str]:
    return [link.label for link in shown]


def current(shown: list[Link]) -> list[tuple[str, str]]:
    return [(link.label, link.current) for section in shown for link in (section, *section.entries) if link.current]


@pytest.mark.django_db
class TestWhoSeesWhat:
    def test_who_may_do_everything_sees_every_section(self) -> None:
        shown = labels(get_links(factories.staff(*EVERYTHING), "/"))
        assert shown == ["Home", "Records", "Trackers", "Imports", "Reports", "Administration"]

    def test_who_may_do_nothing_sees_home_alone(self) -> None:
        assert labels(get_links(factories.staff(), "/")) == ["Home"]

    def test_an_analyst_sees_the_reports_of_figures(self) -> None:
        _, reports = get_links(factories.staff(*TOTALS.permissions), "/")
        assert labels(list(reports.entries)) == ["By age group", "By brand", "By condition", "Data quality"]

    def test_a_section_without_a_page_of_its_own_leads_to_the_first_that_the_person_may_see(self) -> None:
        _, trackers = get_links(factories.staff("trackers.view_fitnesstracker"), "/")
        assert trackers.address == reverse("admin:trackers_fitnesstracker_changelist")

    def test_importing_is_shown_only_with_the_right_to_see_what_is_there(self) -> None:
        assert labels(get_links(factories.staff("patients.import_medicalrecord"), "/")) == ["Home"]

    def test_all_imports_are_there_for_who_may_import_anything_or_see_them(self) -> None:
        for permissions in (["imports.view_importrun"], ["trackers.import_trackermodel", "trackers.view_trackermodel"]):
            *_, imports = get_links(factories.staff(*permissions, username=permissions[0]), "/")
            assert labels(list(imports.entries)) == ["All imports"]

    def test_every_entry_leads_to_a_page_that_opens(self, sign_in: SignIn) -> None:
        steward = sign_in(*EVERYTHING)
        for section in get_links(factories.staff(*EVERYTHING, username="another"), "/"):
            for link in (section, *section.entries):
                assert steward.get(link.address, follow=True).status_code == 200


@pytest.mark.django_db
class TestWhereOneIs:
    @pytest.mark.parametrize(
        ("page", "marked"),
        [
            ("/", [("Home", "page")]),
            ("/admin/", [("Administration", "page")]),
            ("/admin/patients/medicalrecord/", [("Records", "page"), ("Records", "page")]),
            ("/admin/patients/medicalrecord/P1/change/", [("Records", "true"), ("Records", "true")]),
            ("/admin/patients/medicalrecord/import/", [("Imports", "true"), ("Medical records", "page")]),
            ("/admin/imports/importrun/7/change/", [("Imports", "true"), ("All imports", "true")]),
            ("/admin/trackers/fitnesstracker/3/history/", [("Trackers", "true"), ("Variants", "true")]),
            ("/admin/tracker-names/settle/", [("Trackers", "true"), ("Tracker names", "true")]),
            ("/reports/", [("Reports", "page")]),
            ("/reports/brands/", [("Reports", "true"), ("By brand", "page")]),
            ("/nowhere/", []),
        ],
    )
    def test_the_section_and_the_entry_of_a_page_are_marked(self, page: str, marked: list[tuple[str, str]]) -> None:
        assert current(get_links(factories.staff(*EVERYTHING), page)) == marked


def test_who_is_not_signed_in_has_no_permission_to_see_anything() -> None:
    assert labels(get_links(AnonymousUser(), "/")) == ["Home"]


def test_the_page_says_where_one_is(sign_in: SignIn) -> None:
    page = sign_in("trackers.view_trackermodel", "trackers.view_fitnesstracker").get("/admin/trackers/fitnesstracker/")
    assert '<a href="/admin/trackers/fitnesstracker/" aria-current="page">Variants</a>' in page.content.decode()


@pytest.mark.django_db
def test_the_page_to_sign_in_shows_no_navigation() -> None:
    assert "<nav" not in Client().get("/admin/login/").content.decode()
