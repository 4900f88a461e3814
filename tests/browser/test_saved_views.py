from playwright.sync_api import Page, expect

from tests.support.browser_pages import SignInAs, open_account_menu, visit


def test_a_view_is_saved_opened_renamed_and_deleted(page: Page, sign_in_as: SignInAs) -> None:
    sign_in_as("reports.view_brands", "reports.share_savedview")
    visit(page, "/reports/brands/?gender=F")
    open_account_menu(page)
    page.get_by_role("link", name="Save this view").click()
    page.get_by_label("Name").fill("Women by brand")
    page.get_by_label("Share with everyone").check()
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/reports/brands/?gender=F")
    visit(page, "/")
    open_account_menu(page)
    page.get_by_role("link", name="Women by brand").click()
    page.wait_for_url("**/reports/brands/?gender=F")
    open_account_menu(page)
    page.get_by_role("link", name="Edit or delete views").click()
    page.get_by_role("link", name="Edit Women by brand").click()
    page.get_by_label("Name").fill("Brands of women")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Edit Brands of women").click()
    page.get_by_role("button", name="Delete view").click()
    expect(page.get_by_role("main").get_by_text("There are no saved views yet.")).to_be_visible()


def test_the_menu_opens_by_keyboard_and_fits_a_phone(page: Page, sign_in_as: SignInAs) -> None:
    sign_in_as("reports.view_brands")
    page.set_viewport_size({"width": 400, "height": 800})
    visit(page, "/reports/brands/")
    page.get_by_role("button", name="Account menu of ").focus()
    page.keyboard.press("Enter")
    box = page.get_by_role("link", name="Save this view").bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 400
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
