from playwright.sync_api import Page

from tests.support.browser_pages import SignInAs, assert_accessible, assert_fits_a_phone, open_account_menu, visit


def test_a_reason_gives_access_to_the_records_until_the_person_ends_it(page: Page, sign_in_as: SignInAs) -> None:
    sign_in_as("roles.use_emergencyaccess")
    visit(page, "/")
    open_account_menu(page)
    page.get_by_role("link", name="Emergency access", exact=True).click()
    page.get_by_label("Why you need access to everything now").fill("Somebody fainted in the hall")
    page.get_by_role("button", name="Start emergency access").click()
    page.get_by_role("link", name="Records", exact=True).first.click()
    banner = page.get_by_role("complementary", name="Emergency access")
    assert "minutes left" in banner.inner_text().replace("\xa0", " ")
    assert_accessible(page)
    assert_fits_a_phone(page)
    banner.get_by_role("button", name="End emergency access").click()
    assert page.get_by_text("Emergency access has ended").is_visible()
    assert banner.count() == page.get_by_role("link", name="Records", exact=True).count() == 0
