"""While the database cannot be reached, a form keeps what was typed."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from patients.models import MedicalRecord
from tests.support import factories
from tests.support.browser_pages import SignInAs, assert_accessible, assert_fits_a_phone, visit
from tests.support.complaints import Complaints

EDITOR = ("patients.view_medicalrecord", "patients.change_medicalrecord")
RECORD = "/admin/patients/medicalrecord/P1/change/"
NOTICE = "Nothing was saved, because the database cannot be reached right now. Your entries are still here."


@pytest.fixture
def editor(page: Page, sign_in_as: SignInAs) -> Page:
    """Sign in an editor who has typed a new name into the form of a record."""
    sign_in_as(*EDITOR)
    factories.medical_record("P1", name="Ada Byron")
    visit(page, RECORD)
    page.get_by_label("Name:").fill("Ada King")
    return page


@pytest.fixture
def answer(editor: Page) -> Callable[[int | None], None]:
    """Return a function that lets all requests that write fail with a status, or succeed if it is None."""

    def answer(status: int | None) -> None:
        def handle(route: Route) -> None:
            if status is None or route.request.method != "POST":
                route.continue_()
            elif status:
                route.fulfill(status=status)
            else:
                route.abort()

        editor.unroute("**")
        editor.route("**", handle)

    return answer


def save(page: Page, button: str = "Save") -> None:
    page.get_by_role("button", name=button, exact=True).click()


@pytest.mark.parametrize("status", [503, 0], ids=["the server has no database", "there is no server"])
def test_a_form_stays_with_its_values_and_is_sent_again_by_its_button(
    editor: Page, answer: Callable[[int | None], None], complaints: Complaints, status: int
) -> None:
    notice = editor.get_by_role("alert").filter(has_text=NOTICE)
    answer(status)
    save(editor, "Save and continue editing")
    expect(notice).to_be_visible()
    expect(editor.get_by_label("Name:")).to_have_value("Ada King")
    assert_accessible(editor)
    assert_fits_a_phone(editor)
    first_notice = notice.element_handle()
    save(editor, "Try again")
    first_notice.wait_for_element_state("hidden")  # after the second attempt another notice takes its place
    expect(notice).to_have_count(1)
    assert MedicalRecord.objects.get().name == "Ada Byron"
    answer(None)
    save(editor, "Try again")
    expect(editor.get_by_text("was changed successfully")).to_be_visible()
    assert editor.url.endswith(RECORD)
    assert MedicalRecord.objects.get().name == "Ada King"
    complaints.take()


def test_a_form_that_is_sent_twice_at_once_is_saved(editor: Page) -> None:
    editor.get_by_role("button", name="Save", exact=True).dblclick()
    expect(editor.get_by_text("was changed successfully")).to_be_visible()
    assert MedicalRecord.objects.get().name == "Ada King"
