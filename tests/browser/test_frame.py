"""The frame of every page: one line of header, a menu on phones, and the keys that lead to the search field."""

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.support.browser_pages import PHONE, SignInAs, assert_accessible, open_account_menu, visit
from tests.support.role_holders import make_person

MAX_HEADER, MAX_ABOVE_TITLE = 64, 140
SECTIONS = ["Home", "Records", "Trackers", "Imports", "Reports", "Administration"]


@pytest.mark.parametrize("width", [768, 1024, 1280, 1400])
def test_the_header_is_one_line(page: Page, sign_in_as: SignInAs, width: int) -> None:
    sign_in_as(person=make_person("Administrator"))
    page.set_viewport_size(ViewportSize(width=width, height=900))
    visit(page, "/admin/trackers/fitnesstracker/")
    header = page.locator("#header")
    box = header.bounding_box()
    assert box
    assert box["height"] <= MAX_HEADER
    assert header.locator(".navigation a:visible").all_inner_texts() == SECTIONS
    edges = header.evaluate("header => [...header.querySelectorAll('a, input, button')].map(e => e.offsetTop)")
    assert max(edges) < MAX_HEADER
    expect(page.get_by_role("button", name="Menu", exact=True)).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_on_a_phone_a_button_shows_the_sections_and_the_title_starts_near_the_top(
    page: Page, sign_in_as: SignInAs
) -> None:
    sign_in_as(person=make_person("Administrator"))
    page.set_viewport_size(PHONE)
    for address in ("/admin/trackers/fitnesstracker/", "/admin/auth/user/add/", "/reports/brands/"):
        visit(page, address)
        title = page.get_by_role("heading", level=1).bounding_box()
        assert title
        assert title["y"] <= MAX_ABOVE_TITLE
    expect(page.get_by_role("navigation", name="Main")).to_be_hidden()
    page.get_by_role("button", name="Menu", exact=True).click()
    assert page.get_by_role("navigation", name="Main").get_by_role("link").all_inner_texts() == [*SECTIONS, "Help"]
    assert_accessible(page)
    page.get_by_role("link", name="Records").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Medical records")


def test_the_account_menu_closes_with_escape_and_returns_the_focus(page: Page, sign_in_as: SignInAs) -> None:
    sign_in_as()
    visit(page, "/sign-in/")
    open_account_menu(page)
    expect(page.get_by_role("link", name="Change password")).to_be_visible()
    assert_accessible(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Change password")).to_be_hidden()
    expect(page.get_by_role("button", name="Account menu of staff")).to_be_focused()


@pytest.mark.parametrize("key", ["/", "Control+k"])
def test_a_key_leads_to_the_search_field_but_a_slash_can_still_be_typed(
    page: Page, sign_in_as: SignInAs, key: str
) -> None:
    sign_in_as("patients.view_medicalrecord")
    visit(page, "/")
    page.keyboard.press(key)
    field = page.get_by_role("searchbox", name="Search", exact=True)
    expect(field).to_be_focused()
    page.keyboard.type("1/2")
    expect(field).to_have_value("1/2")
