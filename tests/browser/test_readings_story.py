"""Readings from end to end: a file dropped on a patient's page, previewed, imported, charted, undone."""

import re
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from readings.models import ReadingDay
from tests.support import factories
from tests.support.browser_pages import SignInAs, visit
from tests.support.import_browser import assert_fine, await_visible, drop_file, press
from tests.support.workers import worker

pytestmark = pytest.mark.usefixtures("areas_dropped", "jobs_dropped")

PERMISSIONS = (
    *("patients.view_medicalrecord", "readings.view_readingday", "readings.import_reading"),
    *("imports.undo_importrun",),
)
PAGE = "/readings/P1/"


def write_rows(path: Path) -> Path:
    """Write a file that names no patient: heart rates of a day, every ten minutes, without those of two hours."""
    minutes = (minute for minute in range(0, 1440, 10) if not 600 < minute < 720)
    rows = [
        f"heart_rate,2026-03-05T{minute // 60:02}:{minute % 60:02}:00+01:00,{60 + minute // 60},/min,Watch"
        for minute in minutes
    ]
    path.write_text("\n".join(["metric,start,value,unit,device", *rows]))
    return path


def test_a_file_dropped_on_a_patients_page_is_previewed_imported_charted_and_undone(
    page: Page, sign_in_as: SignInAs, tmp_path: Path
) -> None:
    factories.medical_record("P1", date_of_birth=date(1980, 1, 1))
    sign_in_as(*PERMISSIONS)
    visit(page, PAGE)
    expect(page.get_by_text("This patient has no readings yet.")).to_be_visible()
    assert_fine(page)
    drop_file(page, page.locator(".upload-area"), write_rows(tmp_path / "export.csv"))
    press(page, "Check the file")
    with worker():
        await_visible(page.get_by_text("readings would be added"))
        expect(page.get_by_text("Whose readings are these?")).to_have_count(0)
        press(page, "Import this file")
        await_visible(page.get_by_text("readings were added"))
        page.get_by_role("link", name="See the patient's readings").click()
        expect(page).to_have_url(re.compile(f"{PAGE}$"))
        chart = page.get_by_role("img", name="Heart rate, ")
        expect(chart).to_be_visible()
        page.get_by_role("link", name="Day", exact=True).click()
        expect(page.get_by_role("img", name="Heart rate, Thursday, 5 Mar 2026")).to_be_visible()
        expect(page.locator(".plot path").first).to_be_attached()
        assert_fine(page)
        page.get_by_text("Heart rate as a table").click()
        expect(page.get_by_role("cell", name="10:00 to 11:00")).to_have_count(0)
        assert ReadingDay.objects.get().patient_id == "P1"
        undo_latest_import(page)
    visit(page, PAGE)
    expect(page.get_by_text("This patient has no readings yet.")).to_be_visible()


def undo_latest_import(page: Page) -> None:
    visit(page, "/admin/imports/importrun/")
    page.locator("#result_list tbody a").first.click()
    page.get_by_role("link", name=re.compile("^Undo")).click()
    with page.expect_navigation():
        page.get_by_role("button", name=re.compile("^Undo")).click()
    await_visible(page.get_by_text("The readings of the import were removed"))
