from playwright.sync_api import Page, expect

from tests.support import factories
from tests.support.browser_pages import SignInAs, visit


def test_search_terms_are_in_no_address_and_no_referrer(page: Page, sign_in_as: SignInAs) -> None:
    sign_in_as("patients.view_medicalrecord")
    for number in range(60):
        factories.medical_record(f"P{number:02}", name=f"Ada Byron {number}")
    sent: list[str] = []
    page.on("request", lambda request: sent.extend([request.url, request.headers.get("referer", "")]))
    visit(page, "/admin/patients/medicalrecord/")
    page.get_by_label("Search medical records").fill("byron")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("60 medical records")).to_be_visible()
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_text("Page 2 of 2")).to_be_visible()
    expect(page.get_by_label("Search medical records")).to_have_value("byron")
    page.get_by_role("link", name="P59").click()
    expect(page.get_by_role("heading", name="Ada Byron 59")).to_be_visible()
    page.go_back()
    expect(page.get_by_text("Page 2 of 2")).to_be_visible()
    assert "found=" in page.url
    assert not [address for address in sent if "byron" in address.lower()]
