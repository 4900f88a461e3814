"""An import from end to end, with a worker: 20,000 rows, 300 of them invalid."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from patients.models import MedicalRecord
from tests.support import factories
from tests.support.browser_pages import SignInAs, visit
from tests.support.import_browser import assert_fine, await_visible, press, upload
from tests.support.import_files import RECORDS, Row, write_csv
from tests.support.page_permissions import REPORT_PERMISSIONS
from tests.support.workers import hold_lock, worker

pytestmark = pytest.mark.usefixtures("areas_dropped", "jobs_dropped")

PATIENTS = 20_000
NO_DATE, NO_GENDER, NAMELESS = 100, 150, 50
INVALID = NO_DATE + NO_GENDER + NAMELESS
RECORDS_TABLE = "LOCK TABLE medical_records IN ACCESS EXCLUSIVE MODE"


def rows() -> Iterator[Row]:
    """Return the rows. The first are invalid: in the date of birth, then in the gender, then in the name."""
    for number in range(PATIENTS):
        row = {**RECORDS.row, "patient_id": f"P{number}", "date_of_birth": f"05/17/{1950 + number % 70}"}
        if number < NO_DATE:
            row["date_of_birth"] = "02/30/1980"
        elif number < NO_DATE + NO_GENDER:
            row["gender"] = "X"
        elif number < INVALID:
            row["name"] = ""
        yield row


def correct(path: Path) -> Path:
    """Return a file with the invalid rows corrected, and a valid row with another name."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        invalid = list(reader)
    (errors, *_) = reader.fieldnames or ()
    assert len(invalid) == INVALID
    assert all(row[errors] for row in invalid)
    valid = {name: RECORDS.row[name] for name in ("date_of_birth", "gender", "name")}
    (*_, last) = rows()
    changed = {**last, "name": "Grace Hopper", errors: ""}
    return write_csv(path.with_name("corrected.csv"), [*({**row, **valid} for row in invalid), changed])


def download_invalid_rows(page: Page, path: Path) -> Path:
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the invalid rows (CSV)").click()
    download.value.save_as(path)
    return path


def filter_errors(page: Page, column: str, kind: str) -> None:
    """Choose the kind of error whose sentence contains the text, in the row of the column."""
    errors = page.get_by_role("table", name="Errors by column").get_by_role("row").filter(has_text=column)
    with page.expect_navigation():
        errors.get_by_role("link").filter(has_text=kind).click()


def await_no_errors(page: Page) -> None:
    await_visible(page.get_by_role("button", name="Import this file"))


def await_imported(page: Page, added: int, updated: int) -> None:
    await_visible(page.locator(".lead", has_text=re.compile(rf"^\s*{added:,} .* {updated:,} ")))


def test_a_file_with_errors_is_uploaded_corrected_and_imported(
    page: Page, sign_in_as: SignInAs, tmp_path: Path
) -> None:
    sign_in_as(*RECORDS.steward, *REPORT_PERMISSIONS)
    upload(page, write_csv(tmp_path / "rows.csv", rows()))
    expect(page.get_by_text("The import service is not running")).to_be_visible()
    page.evaluate("document.body.dataset.stays = 'yes'")
    with worker():
        with hold_lock(RECORDS_TABLE):
            await_visible(page.get_by_text("Comparing with stored data"))
            expect(page.locator("body[data-stays]")).to_have_count(1)
            expect(page.get_by_text("The import service is not running")).to_have_count(0)
            expect(page.get_by_role("progressbar")).to_have_js_property("value", 70)
            assert_fine(page)
        await_visible(page.locator(".lead", has_text=f"{INVALID} of 20,000 rows"))
        assert_fine(page)
        filter_errors(page, "date_of_birth", "MM/DD/YYYY or YYYY-MM-DD")
        expect(page.get_by_text(f"1 to 50 of {NO_DATE}")).to_be_visible()
        filter_errors(page, "gender", "F (female), M")
        expect(page.get_by_text(f"1 to 50 of {NO_GENDER}")).to_be_visible()
        assert_fine(page)
        invalid = download_invalid_rows(page, tmp_path / "invalid.csv")
        press(page, "Import 19,700 valid rows (skip 300)")
        await_imported(page, 19_700, 0)
        assert_fine(page)
        upload(page, correct(invalid))
        await_no_errors(page)
        page.get_by_role("link", name="Changed 1").click()
        expect(page.get_by_text("Grace Hopper")).to_be_visible()
        assert_fine(page)
        press(page, "Import this file")
        await_imported(page, 300, 1)
    visit(page, "/reports/age-groups/")
    expect(page.locator("tfoot tr")).to_contain_text("20,000")


def test_without_scripts_the_page_reloads_itself(browser: Browser, live_server: LiveServer, tmp_path: Path) -> None:
    factories.staff(*RECORDS.steward)
    path = write_csv(tmp_path / "rows.csv", RECORDS.rows({}))
    with browser.new_context(base_url=live_server.url, java_script_enabled=False) as context, worker():
        page = context.new_page()
        page.goto(RECORDS.address("import"))
        page.get_by_label("Username").fill("staff")
        page.get_by_label("Password").fill(factories.DEFAULT_PASSWORD)
        press(page, "Sign in")
        upload(page, path)
        await_no_errors(page)
        press(page, "Import this file")
        await_imported(page, 1, 0)
    assert MedicalRecord.objects.get().name == "Ada Byron"
