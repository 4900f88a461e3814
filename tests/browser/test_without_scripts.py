"""The main pages work without scripts."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from patients.models import MedicalRecord
from tests.support import factories
from tests.support.chromium import DESKTOP


@pytest.fixture
def page(browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    with browser.new_context(base_url=live_server.url, viewport=DESKTOP, java_script_enabled=False) as context:
        yield context.new_page()


def test_a_record_is_found_and_changed_without_scripts(page: Page) -> None:
    factories.staff("patients.view_medicalrecord", "patients.change_medicalrecord")
    factories.medical_record("P1", name="Ada Byron")
    page.goto("/")
    page.get_by_label("Username").fill("staff")
    page.get_by_label("Password").fill(factories.DEFAULT_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Records", exact=True).click()
    page.get_by_label("Search medical records").fill("ada")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="P1").click()
    page.get_by_label("Name:").fill("Ada Lovelace")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert MedicalRecord.objects.get().name == "Ada Lovelace"
    expect(page.locator(".theme-toggle")).to_be_hidden()


def test_a_form_that_could_not_be_saved_is_restored_by_back(page: Page) -> None:
    factories.staff("patients.view_medicalrecord", "patients.change_medicalrecord")
    factories.medical_record("P1", name="Ada Byron", allergies="Pollen")
    page.goto("/admin/patients/medicalrecord/P1/change/")
    page.get_by_label("Username").fill("staff")
    page.get_by_label("Password").fill(factories.DEFAULT_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Name:").fill("Ada Lovelace")
    page.get_by_label("Allergies:").fill("Latex")
    page.route("**/change/", refuse_posts)
    page.get_by_role("button", name="Save", exact=True).click()
    assert MedicalRecord.objects.get().name == "Ada Byron"
    page.unroute("**/change/")
    page.go_back()
    expect(page.get_by_label("Name:")).to_have_value("Ada Lovelace")
    expect(page.get_by_label("Allergies:")).to_have_value("Latex")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert MedicalRecord.objects.get().name == "Ada Lovelace"


def refuse_posts(route: Route) -> None:
    """Answer as the server does while it has no database."""
    if route.request.method == "POST":
        route.fulfill(status=503, content_type="text/html", body="<title>503</title><p>Not available</p>")
    else:
        route.continue_()
