"""Using the pages with the keyboard alone, as people do who cannot or do not want to use a mouse."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from patients.models import MedicalRecord
from tests.support import factories
from tests.support.browser_pages import SignInAs, visit
from tests.support.import_browser import await_visible
from tests.support.import_files import RECORDS, write_csv
from tests.support.workers import worker

MAX_STEPS = 60


def get_focused_name(page: Page) -> str:
    """Return what a screen reader would say about the element that has the focus."""
    text: str = page.evaluate(
        "const e = document.activeElement; e.labels?.[0]?.textContent || e.ariaLabel || e.value || e.innerText"
    )
    return " ".join(text.split())


def tab_to(page: Page, name: str) -> None:
    passed = []
    while get_focused_name(page) != name:
        page.keyboard.press("Tab")
        passed.append(get_focused_name(page))
        assert len(passed) < MAX_STEPS, f"{name} is not among {passed}"
        assert is_focus_visible(page), f"the focus is not visible after {passed}"


def press_enter(page: Page) -> None:
    """Open the link or press the button that has the focus."""
    with page.expect_navigation():
        page.keyboard.press("Enter")


def is_focus_visible(page: Page) -> bool:
    """Return whether the focused element is within the window and has an outline."""
    visible: bool = page.evaluate(
        """const e = document.activeElement, box = e.getBoundingClientRect();
        getComputedStyle(e).outlineStyle !== "none" && box.bottom > 0 && box.top < innerHeight && box.width > 0"""
    )
    return visible


def test_people_can_sign_in_find_a_record_and_change_it(page: Page) -> None:
    factories.staff("patients.view_medicalrecord", "patients.change_medicalrecord")
    factories.medical_record("P1", name="Ada Byron")
    visit(page, "/admin/login/")
    expect(page.get_by_label("Username")).to_be_focused()
    page.keyboard.type("staff")
    page.keyboard.press("Tab")
    page.keyboard.type(factories.DEFAULT_PASSWORD)
    with page.expect_navigation():
        page.keyboard.press("Enter")

    tab_to(page, "Records")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    tab_to(page, "Search medical records")
    page.keyboard.type("ada")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    tab_to(page, "P1")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    tab_to(page, "Name:")
    page.keyboard.press("Control+a")
    page.keyboard.type("Ada Lovelace")
    tab_to(page, "Save")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert MedicalRecord.objects.get().name == "Ada Lovelace"


def test_the_first_tab_stop_skips_to_the_main_content(page: Page, sign_in_as: SignInAs) -> None:
    sign_in_as("patients.view_medicalrecord")
    visit(page, "/admin/patients/medicalrecord/")
    page.keyboard.press("Tab")
    assert get_focused_name(page) == "Skip to main content"
    assert is_focus_visible(page)
    page.keyboard.press("Enter")
    tab_to(page, "Search medical records")


def test_the_focus_moves_through_header_sections_and_page_in_reading_order(page: Page, sign_in_as: SignInAs) -> None:
    sign_in_as("trackers.view_trackermodel", "trackers.view_fitnesstracker")
    visit(page, "/admin/trackers/fitnesstracker/")
    passed = []
    for _ in range(9):
        page.keyboard.press("Tab")
        passed.append(get_focused_name(page))
    assert passed == [
        "Skip to main content",
        "HealthTrack",
        "Home",
        "Trackers",
        "Search",
        "Help",
        "Account menu of staff",
        "Models",
        "Variants",
    ]


def test_a_patient_is_found_from_any_page_and_changed(page: Page, sign_in_as: SignInAs) -> None:
    sign_in_as("patients.view_medicalrecord", "patients.change_medicalrecord")
    factories.medical_record("P1", name="Ada Byron")
    visit(page, "/")
    page.keyboard.press("/")
    page.keyboard.type("ada byr")
    expect(page.get_by_role("region", name="Search results").get_by_role("link")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    press_enter(page)
    tab_to(page, "Name:")
    page.keyboard.press("Control+a")
    page.keyboard.type("Ada Lovelace")
    press_enter(page)
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert MedicalRecord.objects.get().name == "Ada Lovelace"


def test_a_report_is_opened_and_filtered(page: Page, sign_in_as: SignInAs) -> None:
    sign_in_as("reports.view_brands", "reports.view_age_groups")
    visit(page, "/")
    tab_to(page, "Reports")
    press_enter(page)
    tab_to(page, "By brand")
    press_enter(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Patients by tracker brand")
    tab_to(page, "Filter")
    page.keyboard.press("Enter")
    tab_to(page, "Age from")
    page.keyboard.type("30")
    tab_to(page, "Show")
    press_enter(page)
    page.wait_for_url(re.compile("min_age=30"))


@pytest.mark.usefixtures("areas_dropped", "jobs_dropped")
def test_a_file_is_uploaded_imported_and_undone(page: Page, sign_in_as: SignInAs, tmp_path: Path) -> None:
    sign_in_as(
        *RECORDS.steward, "imports.undo_importrun", "patients.add_medicalrecord", "patients.delete_medicalrecord"
    )
    visit(page, RECORDS.address("import"))
    tab_to(page, "Choose a file, or drop it here")
    # The window in which people choose a file belongs to the system.
    page.locator(":focus").set_input_files(write_csv(tmp_path / "rows.csv", [RECORDS.row]))
    tab_to(page, "Check the file")
    press_enter(page)
    with worker():
        await_visible(page.get_by_role("button", name="Import this file"))
        tab_to(page, "Import this file")
        press_enter(page)
        await_visible(page.get_by_role("link", name="Undo"))
        assert MedicalRecord.objects.count() == 1
        tab_to(page, "Undo this import")
        press_enter(page)
        tab_to(page, "Undo this import: delete 1 row")
        press_enter(page)
        await_visible(page.get_by_text("was undone"))
    assert not MedicalRecord.objects.exists()
