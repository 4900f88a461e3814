import pytest
from playwright.sync_api import Page, ViewportSize, expect

from patients.models import MedicalRecord
from tests.support import factories
from tests.support.browser_pages import PHONE, SignInAs, assert_accessible, visit
from tests.support.chromium import DESKTOP

IS_UNCOVERED = """
(() => {
  const box = document.activeElement.getBoundingClientRect();
  const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
  return document.activeElement.contains(top) || document.activeElement.labels?.[0]?.contains(top);
})()
"""


def choose(page: Page, row: int, words: str, model: str) -> None:
    page.get_by_text("Link a tracker").click()
    page.locator(f"#tracker_links-{row}").get_by_role("combobox", name="Model").fill(words)
    page.get_by_role("option", name=model).click()


def test_two_trackers_are_linked_and_one_is_removed(page: Page, sign_in_as: SignInAs) -> None:
    sign_in_as(
        "patients.view_medicalrecord",
        "patients.change_medicalrecord",
        "trackers.view_trackermodel",
    )
    factories.tracker_model("Xiaomi", "Mi Band 5")
    factories.tracker_model("Honor", "Band 6")
    record = factories.medical_record("P1")
    visit(page, "/admin/patients/medicalrecord/P1/change/")
    choose(page, 0, "mi band", "Xiaomi Mi Band 5")
    choose(page, 1, "honor", "Honor Band 6")
    expect(page.get_by_role("combobox", name="Model").nth(1)).to_have_value("Honor Band 6")
    assert_accessible(page)
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert set(map(str, record.tracker_models.all())) == {"Xiaomi Mi Band 5", "Honor Band 6"}

    page.get_by_label("Remove: ").first.check()
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/medicalrecord/")
    assert list(map(str, MedicalRecord.objects.get().tracker_models.all())) == ["Xiaomi Mi Band 5"]


def test_a_model_is_chosen_with_the_keyboard(page: Page, sign_in_as: SignInAs) -> None:
    sign_in_as("patients.view_medicalrecord", "patients.change_medicalrecord", "trackers.view_trackermodel")
    factories.tracker_model("Xiaomi", "Mi Band 5")
    factories.tracker_model("Honor", "Band 6")
    record = factories.medical_record("P1")
    visit(page, "/admin/patients/medicalrecord/P1/change/")
    page.get_by_role("button", name="Link a tracker").press("Enter")
    field = page.get_by_role("combobox", name="Model")
    expect(field).to_be_focused()
    page.keyboard.type("nothing of this name")
    expect(page.get_by_text("No match. Try other words.")).to_be_visible()
    field.press("Escape")
    expect(field).to_have_value("")
    field.press("ArrowDown")
    expect(page.locator(".choice").get_by_role("option")).to_have_text(["Honor Band 6", "Xiaomi Mi Band 5"])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option", name="Xiaomi Mi Band 5")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(field).to_have_value("Xiaomi Mi Band 5")
    page.get_by_role("button", name="Save", exact=True).press("Enter")
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert [model.model_name for model in record.tracker_models.all()] == ["Mi Band 5"]


def test_a_new_row_can_be_removed(page: Page, sign_in_as: SignInAs) -> None:
    sign_in_as("patients.view_medicalrecord", "patients.change_medicalrecord", "trackers.view_trackermodel")
    factories.tracker_model("Xiaomi", "Mi Band 5")
    factories.tracker_model("Honor", "Band 6")
    record = factories.medical_record("P1")
    visit(page, "/admin/patients/medicalrecord/P1/change/")
    assert page.evaluate("typeof jQuery") == "undefined"
    choose(page, 0, "mi band", "Xiaomi Mi Band 5")
    choose(page, 1, "honor", "Honor Band 6")
    page.locator("#tracker_links-0").get_by_role("button", name="Remove").click()
    expect(page.locator("#tracker_links-1")).to_have_count(0)
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert [model.model_name for model in record.tracker_models.all()] == ["Band 6"]


def test_a_date_is_chosen_in_the_calendar_of_the_browser(page: Page, sign_in_as: SignInAs) -> None:
    sign_in_as("patients.view_medicalrecord", "patients.change_medicalrecord")
    factories.medical_record("P1")
    visit(page, "/admin/patients/medicalrecord/P1/change/")
    expect(page.get_by_label("Date of birth:")).to_have_value("1980-05-17")
    page.get_by_label("Last appointment date:").fill("2025-06-14")
    # In the format of the person: the field itself follows the language of the browser.
    assert page.locator(".written-day").all_text_contents() == ["17 May 1980", "14 Jun 2025"]
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert str(MedicalRecord.objects.get().last_appointment_date) == "2025-06-14"


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_the_buttons_are_always_visible_and_never_above_the_focus(
    page: Page, sign_in_as: SignInAs, size: ViewportSize
) -> None:
    sign_in_as("patients.view_medicalrecord", "patients.change_medicalrecord", "trackers.view_trackermodel")
    factories.link(factories.medical_record("P1"), factories.tracker_model())
    page.set_viewport_size(size)
    visit(page, "/admin/patients/medicalrecord/P1/change/")
    expect(page.get_by_role("button", name="Save", exact=True)).to_be_in_viewport(ratio=1)
    page.get_by_label("Name:").focus()
    while page.evaluate("document.activeElement.value") != "Save":
        page.keyboard.press("Tab")
        assert page.evaluate(IS_UNCOVERED), page.evaluate("document.activeElement.outerHTML")
