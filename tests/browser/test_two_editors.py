"""Two people in two windows edit one record; leaving and typing do not lose what somebody typed."""

import time

import pytest
from playwright.sync_api import Dialog, Page, expect

from healthtrack.accounts.models import Session
from patients.models import MedicalRecord
from reports.models import SavedView
from tests.support import factories
from tests.support.browser_pages import SignInAs, assert_accessible, assert_fits_a_phone, visit

EDITOR = ("patients.view_medicalrecord", "patients.change_medicalrecord", "audit.view_change")
RECORD = "/admin/patients/medicalrecord/P1/change/"


@pytest.fixture
def name(page: Page, sign_in_as: SignInAs) -> str:
    """Sign in an editor and return the name of the record."""
    sign_in_as(*EDITOR)
    return factories.medical_record("P1", name="Ada Byron").name


def save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()


def test_the_second_editor_sees_both_values_and_chooses(page: Page, name: str) -> None:
    visit(page, RECORD)
    other = page.context.new_page()
    visit(other, RECORD)
    other.get_by_label("Name:").fill("Ada King")
    save(other)
    expect(other.get_by_text("was changed successfully")).to_be_visible()
    page.get_by_label("Name:").fill("Ada Lovelace")
    save(page)
    expect(page.get_by_role("group", name="Name")).to_contain_text("Ada King saved by staff")
    assert_accessible(page)
    page.get_by_role("radio", name="Ada Lovelace").check()
    save(page)
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert MedicalRecord.objects.get().name == "Ada Lovelace"
    assert_fits_a_phone(page)


def test_whoever_leaves_a_changed_form_is_questioned_first(page: Page, name: str) -> None:
    questions: list[str] = []

    def stay(dialog: Dialog) -> None:
        questions.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    visit(page, RECORD)
    page.wait_for_load_state("load")
    page.get_by_label("Name:").fill("Ada King")
    page.get_by_role("link", name="HealthTrack", exact=True).click()
    expect(page.get_by_label("Name:")).to_have_value("Ada King")
    assert questions == ["beforeunload"]
    save(page)
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert questions == ["beforeunload"]


def test_leaving_a_changed_view_or_merge_asks_first(page: Page, sign_in_as: SignInAs) -> None:
    person = sign_in_as("patients.view_medicalrecord", "patients.merge_medicalrecord", "reports.view_brands")
    view = SavedView.objects.create(owner=person, name="Mine", page="reports:brands")
    for number, allergies in (("P1", "Nuts"), ("P2", "Milk")):
        factories.medical_record(number, allergies=allergies)
    questions: list[str] = []

    def stay(dialog: Dialog) -> None:
        questions.append(dialog.type)
        dialog.dismiss()

    def leave() -> None:
        page.get_by_role("link", name="HealthTrack", exact=True).click()

    page.on("dialog", stay)

    visit(page, f"/reports/views/{view.pk}/")
    page.get_by_label("Name").fill("Ours")
    leave()
    expect(page.get_by_label("Name")).to_have_value("Ours")
    with page.expect_navigation():
        page.get_by_role("button", name="Save").click()
    visit(page, "/admin/patients/medicalrecord/merge/?first=P1&second=P2")
    page.get_by_role("radio", name="Milk (allergies of P2)").check()
    leave()
    expect(page.get_by_role("radio", name="Milk (allergies of P2)")).to_be_checked()
    assert questions == ["beforeunload", "beforeunload"]
    page.get_by_role("button", name="Merge the records").click()
    expect(page.get_by_text("Merged P2 into P1.")).to_be_visible()
    assert questions == ["beforeunload", "beforeunload"]


@pytest.mark.usefixtures("short_session_timeout")
def test_typing_counts_as_activity(page: Page, name: str) -> None:
    visit(page, RECORD)
    began = time.monotonic()
    seconds = int(page.get_by_role("alertdialog", include_hidden=True).get_attribute("data-seconds") or 0)
    while time.monotonic() - began < 1.5 * seconds:
        page.get_by_label("Name:").press_sequentially("a", delay=200)
    save(page)
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert Session.objects.exists()
    assert MedicalRecord.objects.get().name.endswith("aAda Byron")
