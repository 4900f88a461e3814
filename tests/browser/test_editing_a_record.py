from playwright.sync_api import Page, expect

from patients.models import MedicalRecord
from tests.support import factories
from tests.support.browser_pages import SignInAs, assert_accessible, visit


def choose(page: Page, row: int, words: str, model: str) -> None:
    page.get_by_text("Link a tracker").click()
    page.locator(f"#tracker_links-{row}").get_by_role("combobox").click()
    page.locator(".select2-search__field").fill(words)
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
    expect(page.get_by_role("combobox", name="Model Honor Band 6")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Save and continue editing").click()
    assert set(map(str, record.tracker_models.all())) == {"Xiaomi Mi Band 5", "Honor Band 6"}

    page.get_by_label("Remove: ").first.check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert list(map(str, MedicalRecord.objects.get().tracker_models.all())) == ["Xiaomi Mi Band 5"]


def test_a_date_is_chosen_in_the_calendar_of_the_browser(page: Page, sign_in_as: SignInAs) -> None:
    sign_in_as("patients.view_medicalrecord", "patients.change_medicalrecord")
    factories.medical_record("P1")
    visit(page, "/admin/patients/medicalrecord/P1/change/")
    expect(page.get_by_label("Date of birth:")).to_have_value("1980-05-17")
    page.get_by_label("Last appointment date:").fill("2025-06-14")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert str(MedicalRecord.objects.get().last_appointment_date) == "2025-06-14"
