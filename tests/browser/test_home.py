"""Home and its links."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page

from healthtrack.imports.models import State
from tests.support import factories
from tests.support.browser_pages import SignInAs, visit
from tests.support.page_addresses import make_rows


@pytest.fixture
def person(page: Page, sign_in_as: SignInAs) -> User:
    return sign_in_as(person=make_rows())


def test_a_bar_links_to_the_patients_that_it_counts(page: Page, person: User) -> None:
    visit(page, "/")
    page.get_by_role("link", name="Xiaomi: 3 patients").click()
    page.wait_for_url("**/medicalrecord/?brand=Xiaomi&count=1")
    assert page.locator("#result_list tbody tr").count() == 3


def test_a_chart_links_to_its_report(page: Page, person: User) -> None:
    visit(page, "/")
    page.get_by_role("main").get_by_role("link", name="Patients by tracker brand").click()
    page.wait_for_url("**/reports/brands/")


def test_tracker_names_can_be_resolved_from_home(page: Page, person: User) -> None:
    visit(page, "/")
    page.get_by_role("link", name="Resolve unmatched names").click()
    page.wait_for_url("**/tracker-names/#unmatched")


def test_a_file_that_is_ready_to_import_is_linked(page: Page, person: User) -> None:
    run = factories.import_run(State.CHECKED, file_name="december.csv")
    visit(page, "/")
    page.get_by_role("link", name=f"See import {run.pk}").click()
    page.wait_for_url(f"**/importrun/{run.pk}/change/")


def test_a_person_without_permissions_is_welcomed(page: Page, sign_in_as: SignInAs) -> None:
    sign_in_as()
    visit(page, "/")
    assert page.get_by_role("heading", name="Welcome to HealthTrack, staff").is_visible()
