"""A data steward merges two records of one person, and undoes it."""

from playwright.sync_api import Page, expect

from patients.models import MedicalRecord
from tests.support import factories
from tests.support.browser_pages import SignInAs, assert_accessible, assert_fits_a_phone, visit
from tests.support.import_pages import run_jobs

STEWARD = (
    *("patients.view_medicalrecord", "patients.merge_medicalrecord", "patients.import_medicalrecord"),
    *("imports.view_importrun", "imports.undo_importrun"),
)


def test_a_merge_and_its_undo(page: Page, sign_in_as: SignInAs) -> None:
    sign_in_as(*STEWARD)
    for number, allergies in (("P1", "Nuts"), ("P2", "Milk")):
        factories.medical_record(number, name="Ada Byron", allergies=allergies)
    visit(page, "/admin/patients/medicalrecord/P1/change/")
    page.get_by_role("link", name="Compare and merge with P2").click()
    assert_accessible(page)
    page.get_by_role("radio", name="Milk (allergies of P2)").check()
    page.get_by_role("button", name="Merge the records").click()
    expect(page.get_by_text("Merged P2 into P1.")).to_be_visible()
    assert list(MedicalRecord.objects.values_list("pk", "allergies")) == [("P1", "Milk")]

    page.get_by_role("link", name="open edit").click()
    expect(page.get_by_role("heading", name="Merge of two medical records")).to_be_visible()
    assert_accessible(page)
    assert_fits_a_phone(page)
    page.get_by_role("link", name="Undo this edit").click()
    page.get_by_role("button", name="Undo this edit").click()
    expect(page.get_by_text("Waiting for a worker")).to_be_visible()
    run_jobs()
    expect(page.get_by_text("was undone")).to_be_visible()
    assert dict(MedicalRecord.objects.values_list("pk", "allergies")) == {"P1": "Nuts", "P2": "Milk"}
