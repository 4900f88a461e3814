"""An import from end to end, with a worker beside the server: 20,000 rows, 300 of them faulty."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from patients.models import MedicalRecord
from tests.support import factories
from tests.support.browser_pages import SignInAs, assert_accessible, assert_fits_a_phone, visit
from tests.support.chromium import DESKTOP
from tests.support.import_files import RECORDS, Row, write_csv
from tests.support.page_permissions import REPORT_PERMISSIONS
from tests.support.workers import PATIENCE_SECONDS, held, worker

pytestmark = pytest.mark.usefixtures("areas_dropped", "jobs_dropped")

PATIENTS = 20_000
NO_DATE, NO_GENDER, NAMELESS = 100, 150, 50
FAULTY = NO_DATE + NO_GENDER + NAMELESS
WRONG = "What is wrong"
RECORDS_TABLE = "LOCK TABLE medical_records IN ACCESS EXCLUSIVE MODE"


def rows() -> Iterator[Row]:
    """The first of them faulty: in the date of birth, then in the gender, then in the name."""
    for number in range(PATIENTS):
        row = {**RECORDS.row, "patient_id": f"P{number}", "date_of_birth": f"05/17/{1950 + number % 70}"}
        if number < NO_DATE:
            row["date_of_birth"] = "17 May 1980"
        elif number < NO_DATE + NO_GENDER:
            row["gender"] = "female"
        elif number < FAULTY:
            row["name"] = ""
        yield row


def corrected(path: Path) -> Path:
    """The faulty rows made good, and a row that was good already with another name."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        faulty = list(csv.DictReader(file))
    assert len(faulty) == FAULTY
    assert all(row[WRONG] for row in faulty)
    good = {name: RECORDS.row[name] for name in ("date_of_birth", "gender", "name")}
    (*_, last) = rows()
    changed = {**last, "name": "Grace Hopper", WRONG: ""}
    return write_csv(path.with_name("corrected.csv"), [*({**row, **good} for row in faulty), changed])


def await_visible(shown: Locator) -> None:
    expect(shown.first).to_be_visible(timeout=PATIENCE_SECONDS * 1000)


def press(page: Page, name: str) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name=name).click()


def upload(page: Page, path: Path) -> None:
    visit(page, RECORDS.address("import"))
    page.get_by_label("Choose a file, or drop it here").set_input_files(path)
    press(page, "Check the file")


def download_faulty(page: Page, path: Path) -> Path:
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the faulty rows (CSV)").click()
    download.value.save_as(path)
    return path


def filter_faults(page: Page, column: str, kind: str) -> None:
    page.get_by_label("Column", exact=True).select_option(column)
    page.get_by_label("Kind", exact=True).select_option(kind)
    press(page, "Show")


def assert_fine(page: Page) -> None:
    assert_accessible(page)
    assert_fits_a_phone(page)
    page.set_viewport_size(DESKTOP)


def test_from_the_upload_over_the_faults_to_the_reports(page: Page, sign_in_as: SignInAs, tmp_path: Path) -> None:
    sign_in_as(*RECORDS.steward, *REPORT_PERMISSIONS)
    upload(page, write_csv(tmp_path / "rows.csv", rows()))
    expect(page.get_by_text("No worker is running")).to_be_visible()
    page.evaluate("document.body.dataset.stays = 'yes'")
    with worker():
        with held(RECORDS_TABLE):
            await_visible(page.get_by_text("Comparing with what is stored"))
            expect(page.locator("body[data-stays]")).to_have_count(1)
            expect(page.get_by_text("No worker is running")).to_have_count(0)
            expect(page.get_by_role("progressbar")).to_have_js_property("value", 70)
            assert_fine(page)
        await_visible(page.get_by_text(f"{FAULTY} of 20,000 rows are faulty. Nothing is changed yet."))
        assert_fine(page)
        filter_faults(page, "date_of_birth", "is not a date; write a day that exists as MM/DD/YYYY or YYYY-MM-DD")
        expect(page.get_by_text(f"1 to 50 of {NO_DATE}")).to_be_visible()
        filter_faults(page, "gender", "is not known here; write F or M")
        expect(page.get_by_text(f"1 to 50 of {NO_GENDER}")).to_be_visible()
        assert_fine(page)
        faulty = download_faulty(page, tmp_path / "faulty.csv")
        press(page, "Import the 19,700 good rows without the 300 faulty")
        await_visible(page.get_by_text("19,700 new and 0 changed rows are in the tables."))
        assert_fine(page)
        upload(page, corrected(faulty))
        await_visible(page.get_by_text("No fault was found. Nothing is changed yet."))
        page.get_by_role("link", name="Changed 1").click()
        expect(page.get_by_text("Grace Hopper")).to_be_visible()
        assert_fine(page)
        press(page, "Import this file")
        await_visible(page.get_by_text("300 new and 1 changed rows are in the tables."))
    visit(page, "/reports/age-groups/")
    expect(page.locator("tfoot tr")).to_contain_text("20,000")


def test_without_scripts_the_page_is_loaded_anew_by_itself(
    browser: Browser, live_server: LiveServer, tmp_path: Path
) -> None:
    factories.staff(*RECORDS.steward)
    path = write_csv(tmp_path / "rows.csv", RECORDS.rows({}))
    with browser.new_context(base_url=live_server.url, java_script_enabled=False) as context, worker():
        page = context.new_page()
        page.goto(RECORDS.address("import"))
        page.get_by_label("Username").fill("staff")
        page.get_by_label("Password").fill(factories.DEFAULT_PASSWORD)
        press(page, "Sign in")
        upload(page, path)
        await_visible(page.get_by_text("No fault was found. Nothing is changed yet."))
        press(page, "Import this file")
        await_visible(page.get_by_text("1 new and 0 changed rows are in the tables."))
    assert MedicalRecord.objects.get().name == "Ada Byron"
