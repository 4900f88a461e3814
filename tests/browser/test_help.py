from playwright.sync_api import Page, expect

from tests.support.browser_pages import SignInAs, assert_accessible, visit


def test_the_help_shows_only_sections_with_the_words(page: Page, sign_in_as: SignInAs) -> None:
    sign_in_as()
    visit(page, "/help/")
    every = page.locator(".sections section:visible").count()
    page.get_by_placeholder("Search the help").fill("recovery codes")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert 0 < page.locator(".sections section:visible").count() < every
    page.get_by_placeholder("Search the help").fill("xyzzy")
    expect(page.get_by_text("No section contains these words.")).to_be_visible()
    assert_accessible(page)


def test_the_tour_goes_from_step_to_step_and_outlines_what_it_describes(page: Page, sign_in_as: SignInAs) -> None:
    sign_in_as(is_new=True)
    visit(page, "/")
    page.get_by_role("link", name="Take the tour").click()
    expect(page.get_by_role("heading", level=2)).to_have_count(1)  # of the step that the script shows
    expect(page.get_by_role("heading", level=2)).to_have_text("Sections")
    assert_accessible(page)
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("heading", level=2)).to_be_focused()
    expect(page.locator(".search")).to_have_css("outline-style", "solid")
    for _ in range(3):
        page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("button", name="Next")).to_be_hidden()
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_role("heading", level=2)).to_have_text("Your account")
    page.get_by_role("main").get_by_role("link", name="Go to Home").click()
    expect(page.get_by_role("link", name="Take the tour")).to_have_count(0)
