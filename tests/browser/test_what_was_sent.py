"""What pages show after a form was sent: errors, previews and results."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from patients.models import MedicalRecord
from tests.support import factories
from tests.support.browser_pages import SignInAs, assert_accessible, assert_fits_a_phone, open_account_menu, visit
from tests.support.import_files import RECORDS, write_csv
from tests.support.import_pages import run_jobs
from tests.support.page_addresses import make_rows

RECORD_LIST = "/admin/patients/medicalrecord/"


@pytest.fixture
def staff_page(page: Page, sign_in_as: SignInAs) -> Page:
    sign_in_as(person=make_rows())
    return page


def assert_fine(page: Page) -> None:
    assert_accessible(page)
    assert_fits_a_phone(page)


def press(page: Page, name: str) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name=name, exact=True).click()


def test_a_record_with_errors(staff_page: Page) -> None:
    visit(staff_page, f"{RECORD_LIST}P1/change/")
    staff_page.get_by_label("Name:").fill("")
    staff_page.get_by_label("Date of birth:").fill("2999-01-01")
    staff_page.get_by_text("Link a tracker").click()
    press(staff_page, "Save")
    expect(staff_page.get_by_text("The date of birth is in the future.")).to_be_visible()
    assert_fine(staff_page)


def test_a_model_with_a_new_variant_without_prices(staff_page: Page) -> None:
    visit(staff_page, "/admin/trackers/trackermodel/")
    staff_page.get_by_role("link", name="Band 2").first.click()
    staff_page.get_by_text("Add a variant").click()
    staff_page.locator("[name=variants-1-color]").fill("Red")
    press(staff_page, "Save")
    expect(staff_page.locator(".errorlist").first).to_be_visible()
    assert_fine(staff_page)


def test_records_selected_for_deletion(staff_page: Page) -> None:
    visit(staff_page, RECORD_LIST)
    staff_page.get_by_role("checkbox").nth(1).check()
    staff_page.get_by_label("Action:").select_option("Delete the records")
    press(staff_page, "Go")
    expect(staff_page.get_by_role("heading", level=1)).to_have_text("Delete the records")
    assert_fine(staff_page)


def test_an_export_without_a_format(staff_page: Page) -> None:
    visit(staff_page, f"{RECORD_LIST}export/")
    staff_page.get_by_role("radio").evaluate_all("fields => fields.forEach(field => field.remove())")
    press(staff_page, "Download 4 rows")
    expect(staff_page.locator(".errorlist")).to_be_visible()
    assert_fine(staff_page)


def test_a_model_that_cannot_be_deleted(staff_page: Page) -> None:
    visit(staff_page, "/admin/trackers/trackermodel/")
    staff_page.get_by_role("link", name="Band 2").first.click()
    staff_page.get_by_role("link", name="Delete").click()
    expect(staff_page.get_by_text("cannot be deleted")).to_be_visible()
    assert_fine(staff_page)


def test_a_search_without_results(staff_page: Page) -> None:
    visit(staff_page, RECORD_LIST)
    staff_page.get_by_label("Search medical records").fill("nobody")
    staff_page.get_by_role("button", name="Search").click()
    expect(staff_page.get_by_text("No medical records match")).to_be_visible()
    assert_fine(staff_page)


def test_a_list_sorted_by_two_columns(staff_page: Page) -> None:
    visit(staff_page, f"{RECORD_LIST}?o=2.-1")
    assert_fine(staff_page)


def test_a_popup_that_adds_an_object(staff_page: Page) -> None:
    visit(staff_page, "/admin/trackers/trackermodel/add/?_popup=1")
    expect(staff_page.get_by_role("navigation")).to_have_count(0)
    assert_fine(staff_page)


class TestAFile:
    def send(self, page: Page, path: Path) -> None:
        visit(page, RECORDS.address("import"))
        page.locator("input[type=file]").set_input_files(path)
        press(page, "Check the file")

    def check(self, page: Page, path: Path) -> None:
        self.send(page, path)
        run_jobs()
        page.reload()

    def test_it_waits_for_a_worker(self, staff_page: Page, tmp_path: Path) -> None:
        self.send(staff_page, write_csv(tmp_path / "rows.csv", RECORDS.rows({})))
        expect(staff_page.get_by_role("progressbar")).to_be_visible()
        assert_fine(staff_page)

    def test_it_shows_a_preview_and_the_result(self, staff_page: Page, tmp_path: Path) -> None:
        changed = {"patient_id": "P1", "name": "Ada Lovelace"}
        self.check(staff_page, write_csv(tmp_path / "rows.csv", RECORDS.rows(changed)))
        expect(staff_page.get_by_text("Ada Lovelace")).to_be_visible()
        assert_fine(staff_page)
        press(staff_page, "Import this file")
        run_jobs()
        staff_page.reload()
        assert MedicalRecord.objects.get(pk="P1").name == "Ada Lovelace"
        assert_fine(staff_page)

    def test_its_errors(self, staff_page: Page, tmp_path: Path) -> None:
        invalid = {"gender": "other", "date_of_birth": "yesterday"}
        self.check(staff_page, write_csv(tmp_path / "rows.csv", RECORDS.rows(invalid)))
        expect(staff_page.get_by_text("yesterday").first).to_be_visible()
        assert_fine(staff_page)


class TestSigningInAndOut:
    def test_a_wrong_password(self, page: Page) -> None:
        factories.staff()
        visit(page, "/admin/login/")
        page.get_by_label("Username").fill("staff")
        page.get_by_label("Password").fill("wrong")
        press(page, "Sign in")
        expect(page.locator(".errornote")).to_be_visible()
        assert_fine(page)

    def test_signing_out(self, staff_page: Page) -> None:
        visit(staff_page, "/admin/")
        open_account_menu(staff_page)
        press(staff_page, "Sign out")
        expect(staff_page.get_by_role("heading", level=1)).to_have_text("Signed out")
        assert_fine(staff_page)

    def test_a_new_password_that_is_rejected(self, staff_page: Page) -> None:
        visit(staff_page, "/admin/password_change/")
        staff_page.get_by_label("Old password:").fill("wrong")
        staff_page.get_by_label("New password:").fill("12345678")
        staff_page.get_by_label("New password confirmation:").fill("1234567")
        press(staff_page, "Change my password")
        assert_fine(staff_page)


class TestErrors:
    def test_a_missing_page(self, staff_page: Page) -> None:
        visit(staff_page, "/nowhere/", 404)
        assert_fine(staff_page)

    def test_a_page_without_permission(self, page: Page, sign_in_as: SignInAs) -> None:
        sign_in_as()
        visit(page, RECORD_LIST, 403)
        assert_fine(page)

    def test_a_form_after_its_cookie_was_deleted(self, page: Page) -> None:
        visit(page, "/admin/login/")
        page.get_by_label("Username").fill("staff")
        page.get_by_label("Password").fill(factories.DEFAULT_PASSWORD)
        page.context.clear_cookies()
        press(page, "Sign in")
        expect(page.get_by_role("heading", level=1)).to_have_text("Nothing was saved")
        assert_fine(page)

    def test_a_bad_request(self, staff_page: Page) -> None:
        visit(staff_page, "/admin/patients/medicalrecord/?_to_field=name", 400)
        assert_fine(staff_page)
