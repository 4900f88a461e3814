from datetime import date

from playwright.sync_api import Page, expect

from tests.support import factories
from tests.support.browser_pages import SignInAs, assert_accessible, visit


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


def test_results_appear_while_typing_and_open_with_the_arrow_keys(page: Page, sign_in_as: SignInAs) -> None:
    sign_in_as("patients.view_medicalrecord")
    for number, day in (("P1", 10), ("P2", 11)):
        factories.medical_record(number, name="Ada Byron", date_of_birth=date(1953, 4, day))
    visit(page, "/")
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.keyboard.press("/")
    page.keyboard.type("byro")
    results = page.get_by_role("region", name="Search results")
    expect(results.get_by_role("link")).to_have_count(2)
    assert_accessible(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(results.get_by_role("link", name="P2")).to_be_focused()
    page.keyboard.press("Escape")
    expect(results).to_be_hidden()
    expect(page.get_by_role("searchbox", name="Search", exact=True)).to_be_focused()
    page.keyboard.type("n")
    expect(results.get_by_role("link")).to_have_count(2)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/P1/change/")
    assert not [address for address in requested if "byro" in address]


def test_the_results_fit_a_phone(page: Page, sign_in_as: SignInAs) -> None:
    sign_in_as("patients.view_medicalrecord")
    factories.medical_record("P1", name="Ada Byron")
    page.set_viewport_size({"width": 320, "height": 800})
    visit(page, "/")
    page.get_by_role("searchbox", name="Search", exact=True).fill("ada")
    box = page.get_by_role("region", name="Search results").bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 320
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/?found=*")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
