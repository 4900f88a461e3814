"""The help: a section for each page, and the tour for people who are new."""

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.template.loader import get_template
from django.test import Client

from healthtrack.core.help import find_help, find_section, get_sections
from tests.support import factories
from tests.support.page import Page
from tests.support.page_addresses import page_names
from tests.support.signing_in import SignIn

HELP, TOUR, SKIP = "/help/", "/help/tour/", "/help/tour/skip/"


@pytest.mark.parametrize("page", page_names())
def test_each_page_leads_to_a_section_about_it(page: str) -> None:
    section = find_section(page)
    assert section, f"Add {page} to the pages of a HelpSection, in the module help of its app."
    assert get_template(section.template)


@pytest.mark.parametrize(
    ("page", "code"),
    [
        ("home", "start"),
        ("admin:patients_medicalrecord_changelist", "find"),
        ("admin:patients_medicalrecord_history", "restore"),
        ("admin:patients_medicalrecord_import", "upload"),
        ("admin:imports_importrun_change", "preview"),
        ("admin:imports_importrun_undo", "undo"),
        ("admin:trackers_trackermodel_change", "catalogue"),
        ("admin:trackers_trackeralias_change", "tracker-names"),
        ("reports:brands", "reports"),
        ("reports:saved-views", "saved-views"),
        ("sign-in:enrol", "sign-in"),
        ("sign-in:own", "account"),
    ],
)
def test_the_section_that_names_a_page_more_exactly_than_others_explains_it(page: str, code: str) -> None:
    assert getattr(find_section(page), "code", "") == code


def test_the_document_has_each_section_once_and_links_to_it() -> None:
    page = Page.get(Client(), HELP)
    codes = [section.code for section in get_sections()]
    assert len(codes) == len(set(codes))
    assert [section.get("id") for section in page.all(".sections section")] == codes
    assert [address for address in page.addresses(".contents a") if address != TOUR] == [f"#{code}" for code in codes]


def test_the_link_on_a_page_opens_the_section_about_it(sign_in: SignIn) -> None:
    page = Page.get(sign_in("patients.view_medicalrecord"), "/admin/patients/medicalrecord/")
    assert page.one(".help-link").get("href") == "/help/#find"
    assert Page.get(Client(), "/admin/login/").addresses("#footer a") == ["/help/#sign-in"]


@pytest.mark.django_db
def test_people_who_still_owe_a_code_can_read_the_help(settings: LazySettings) -> None:
    settings.SECOND_FACTOR = True
    client = Client()
    client.force_login(factories.staff())
    assert client.get(HELP).status_code == 200
    assert client.get("/").status_code == 302


@pytest.mark.parametrize(("words", "code"), [("undo", "undo"), ("lost phone", "sign-in"), ("HELP date", "reading")])
def test_the_search_finds_sections(words: str, code: str) -> None:
    assert f"/help/#{code}" in [page.address for page in find_help(words)]


def test_the_search_of_every_page_finds_sections(sign_in: SignIn) -> None:
    page = Page(sign_in().post("/search/suggestions/", {"q": "emergency"}).content)
    assert page.addresses() == ["/help/#emergency"]


class TestTour:
    @pytest.fixture
    def newcomer(self, db: None) -> Client:
        client = Client()
        client.force_login(factories.staff())
        return client

    def test_the_first_sign_in_offers_it_until_the_person_takes_it(self, newcomer: Client) -> None:
        assert Page.get(newcomer, "/").addresses(".tour-offer a") == [TOUR]
        assert Page.get(newcomer, "/sign-in/").all(".tour-offer")
        assert not Page.get(newcomer, TOUR).all(".tour-offer")
        assert not Page.get(newcomer, "/").all(".tour-offer")

    def test_it_can_be_skipped_and_opened_again_from_the_help(self, newcomer: Client) -> None:
        assert newcomer.post(SKIP)["Location"] == "/"
        assert not Page.get(newcomer, "/").all(".tour-offer")
        assert TOUR in Page.get(newcomer, HELP).addresses()
        assert len(Page.get(newcomer, TOUR).all(".tour-steps li")) > 3

    def test_later_sign_ins_do_not_offer_it(self, newcomer: Client) -> None:
        again = Client()
        again.force_login(User.objects.get())
        assert not Page.get(again, "/").all(".tour-offer")


EMPTY_LISTS = {
    "/admin/patients/medicalrecord/": "There are no medical records yet. Upload a file",
    "/admin/trackers/trackermodel/": "There are no tracker models yet. Upload a file",
    "/admin/imports/importrun/": "yet. Press Upload a file.",
    "/reports/age-groups/": "There are no patients yet. A data steward uploads a file",
    "/reports/brands/": "Import the tracker catalogue",
}


@pytest.mark.parametrize("address", EMPTY_LISTS)
def test_an_empty_page_says_what_to_do_first(sign_in: SignIn, address: str) -> None:
    viewer = sign_in(
        *("patients.view_medicalrecord", "trackers.view_trackermodel", "imports.view_importrun"),
        *("reports.view_age_groups", "reports.view_brands"),
    )
    assert EMPTY_LISTS[address] in Page.get(viewer, address).text
