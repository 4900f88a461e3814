"""A person deletes records, and restores them from their history."""

from playwright.sync_api import Page, expect

from patients.models import MedicalRecord, MedicalRecordTracker
from tests.support import factories
from tests.support.browser_pages import SignInAs, assert_accessible, assert_fits_a_phone, visit

ACTIONS = ("view", "change", "delete", "bulk_delete")
KEEPER = ("audit.view_change", *(f"patients.{action}_medicalrecord" for action in ACTIONS))
LIST = "/admin/patients/medicalrecord/"


def test_a_record_is_restored_after_its_deletion(page: Page, sign_in_as: SignInAs) -> None:
    sign_in_as(*KEEPER)
    factories.link(factories.medical_record("P1", name="Ada Byron"), factories.tracker_model())
    visit(page, f"{LIST}P1/delete/")
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("link", name="restore it from its history").click()
    page.get_by_role("link", name="Restore medical record P1").click()
    expect(page.get_by_text("Name: Ada Byron")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_text("Restored: 1 medical record and 1 tracker.")).to_be_visible()
    assert (MedicalRecord.objects.count(), MedicalRecordTracker.objects.count()) == (1, 1)


def test_records_that_were_deleted_together_are_restored_together(page: Page, sign_in_as: SignInAs) -> None:
    sign_in_as(*KEEPER)
    numbers = [factories.medical_record(f"P{number}").pk for number in range(3)]
    visit(page, LIST)
    for number in numbers:
        page.locator(f"input[name=_selected_action][value={number}]").check()
    page.locator("select[name=action]").select_option("delete_records")
    page.get_by_role("button", name="Go").click()
    page.get_by_label("Type 3 to confirm").fill("3")
    assert_accessible(page)
    page.get_by_role("button", name="Delete the records").click()
    expect(page.get_by_text("3 medical records: deleted.")).to_be_visible()
    visit(page, f"{LIST}P2/history/")
    page.get_by_role("link", name="Restore medical record P2").click()
    page.get_by_label("Restore all 3 medical records").check()
    assert_accessible(page)
    assert_fits_a_phone(page)
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_text("Restored: 3 medical records.")).to_be_visible()
    assert MedicalRecord.objects.count() == 3
